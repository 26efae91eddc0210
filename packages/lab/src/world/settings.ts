// settings.ts — the lab's configuration files as text: the reference deployment, with the lab's wishes.
import { ADDRESSES, type ApplianceName, ECHO_PORT, GATEWAY, VIP, VNA_PORTS } from "./plan.js";

export const CHECK_SCRIPT = "IBM-WHI-iConnect-Enterprise-Archive";
export const SYNC_USER = "lbpair-sync";

export interface Timings {
  readonly keepalive: string;
  readonly warntime: string;
  readonly deadtime: string;
  readonly initdead: string;
  readonly lease: string;
  readonly loneLease: string;
  readonly autoFailback: boolean;
}

/** How the clusters are checked: the reference's 30 s × 10 is five minutes, too long to watch. */
export interface CheckTimes {
  readonly interval: string;
  readonly timeout: string;
  readonly failures: number;
  readonly successes: number;
}

export interface LabSettings {
  readonly timings: Timings;
  readonly check: CheckTimes;
  /** False: lb1 alone, with no peer configured. */
  readonly paired: boolean;
  /** Whether the floating IPs have a MAC of their own on each network. */
  readonly virtualMac: boolean;
  /** More fields of `heartbeat`, as services.yaml has them. */
  readonly extraHeartbeat: Readonly<Record<string, string>>;
  /** More entries of `virtualServices`, in the shape of services.yaml. */
  readonly extraServices: readonly Readonly<Record<string, unknown>>[];
  /** More floating IPs, beside the gateway and the virtual services' own. */
  readonly extraFloatingIps: readonly string[];
}

export const DEFAULT_SETTINGS: LabSettings = {
  timings: {
    keepalive: "200ms",
    warntime: "500ms",
    deadtime: "1s",
    initdead: "31s",
    lease: "800ms",
    loneLease: "30s",
    autoFailback: false,
  },
  check: { interval: "1s", timeout: "500ms", failures: 3, successes: 2 },
  paired: true,
  virtualMac: false,
  extraHeartbeat: {},
  extraServices: [],
  extraFloatingIps: [],
};

const inline = (fields: object): string => {
  const words = Object.entries(fields).map(([key, value]) => `${key}: ${value}`);
  return `{ ${words.join(", ")} }`;
};

/** 12300 and 12301 become 12300-12301, as an admin would write them. */
function portWords(ports: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const port of ports) {
    const open = ranges.at(-1);
    if (open !== undefined && open.last === port - 1) open.last = port;
    else ranges.push({ first: port, last: port });
  }
  return ranges.map((r) => (r.first === r.last ? `${r.first}` : `${r.first}-${r.last}`)).join(", ");
}

export function servicesYaml(settings: LabSettings): string {
  const { timings, check, virtualMac, extraServices, extraFloatingIps } = settings;
  const heartbeat = {
    ...timings,
    ...(virtualMac ? { virtualMac } : {}),
    ...settings.extraHeartbeat,
  };
  const script = { type: "external", script: CHECK_SCRIPT, ...check };
  const servers = [
    "    realServers:",
    `      - { label: PrimaryCluster, address: ${ADDRESSES.primary}, weight: 100 }`,
    `    fallback: { address: ${ADDRESSES.fallback}, port: 0 }`,
  ];
  return [
    "# The reference deployment, and an echo service for the lab's probes.",
    `heartbeat: ${inline(heartbeat)}`,
    "floatingIps:",
    `  - { label: gateway, address: ${GATEWAY} }  # the clusters' default gateway`,
    ...extraFloatingIps.map(
      (address, i) => `  - { label: floating-${i + 1}, address: ${address} }`,
    ),
    "virtualServices:",
    "  - label: VNA",
    `    address: ${VIP}`,
    `    ports: [${portWords(VNA_PORTS)}]`,
    "    protocol: tcp",
    "    method: nat",
    "    scheduler: weighted-hash",
    ...servers,
    `    check: ${inline(script)}`,
    "  - label: ECHO",
    `    address: ${VIP}`,
    `    ports: [${ECHO_PORT}]`,
    "    protocol: both",
    ...servers,
    `    check: ${inline({ type: "connect", ...check })}`,
    ...extraServices.map((service) => `  - ${JSON.stringify(service)}`),
    "",
  ].join("\n");
}

export function applianceYaml(name: ApplianceName, paired: boolean): string {
  const peer: ApplianceName = name === "lb1" ? "lb2" : "lb1";
  const path = (network: "front" | "back") =>
    `    - { local: ${ADDRESSES[network][name]}, peer: ${ADDRESSES[network][peer]} }`;
  const peerLines = [
    "peer:",
    `  name: ${peer}`,
    "  paths:",
    path("front"),
    path("back"),
    `  ssh: { address: ${ADDRESSES.back[peer]}, port: 22, user: ${SYNC_USER} }`,
  ];
  return [
    `node: { name: ${name}, designation: ${name === "lb1" ? "primary" : "secondary"} }`,
    ...(paired ? peerLines : []),
    "checks: { user: nobody }",
    "",
  ].join("\n");
}

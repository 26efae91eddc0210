// setup.ts — what one moment of the model test has configured, and its text as services.yaml and modes.yaml.

export type Mode = "online" | "drain" | "halt";
export type Health = "healthy" | "unhealthy" | "unknown";
export type Protocol = "tcp" | "udp";

export interface Server {
  readonly label: string;
  readonly address: string;
  /** 0 = the port the client used. */
  readonly port: number;
  readonly weight: number;
}

export interface Service {
  readonly label: string;
  readonly vip: string;
  readonly ports: readonly number[];
  readonly protocol: Protocol | "both";
  readonly scheduler: Scheduler;
  /** Leading bits of the client's address by which it is known again; null = it is not. */
  readonly persistence: 32 | 24 | null;
  readonly servers: readonly Server[];
  /** In order: the first that is not unhealthy. */
  readonly fallbacks: readonly Server[];
}

export const SCHEDULERS = [
  "weighted-hash",
  "source-hash",
  "weighted-round-robin",
  "weighted-least-connections",
] as const;
export type Scheduler = (typeof SCHEDULERS)[number];

/** Everything that decides who answers. */
export interface Setup {
  readonly services: readonly Service[];
  /** By `service/server`; who is not named is online. */
  readonly modes: ReadonlyMap<string, Mode>;
  /** By `service/server`; who is not named was never checked. */
  readonly health: ReadonlyMap<string, Health>;
}

export const FALLBACK_LABELS = ["fallback", "fallback-2"] as const;
export const GATEWAY = "192.168.100.254";

/** Each service of a number has its own ports, so that no two claim the same. */
export const vipPortsOf = (number: number): number[] =>
  [0, 1, 2].map((i) => 10_000 + 100 * number + i);
export const serverPortsOf = (number: number): number[] =>
  [0, 1].map((i) => 20_000 + 100 * number + i);
export const SERVICES_MOST = 4;
export const SERVICE_NUMBERS = Array.from({ length: SERVICES_MOST }, (_, i) => i);
export const VIPS = ["192.168.200.100", "192.168.200.101"] as const;
export const SERVER_ADDRESSES = [110, 111, 112, 113].map((last) => `192.168.100.${last}`);
export const FALLBACK_ADDRESSES = [120, 121].map((last) => `192.168.100.${last}`);
export const CLIENTS = [50, 51, 52].map((last) => `192.168.200.${last}`);

export const numberOf = (service: Service): number => Number(service.label.slice(1));
export const protocolsOf = ({ protocol }: Service): readonly Protocol[] =>
  protocol === "both" ? ["tcp", "udp"] : [protocol];

/** Consecutive ports are written as a range, so that ranges are tried as well. */
function portsText(ports: readonly number[]): string {
  const [first = 0] = ports;
  const last = ports.at(-1) ?? 0;
  const isRange = ports.length > 1 && last - first === ports.length - 1;
  return isRange ? `${first}-${last}` : ports.join(", ");
}

const serverText = ({ address, port }: Server): string =>
  `address: ${address}${port === 0 ? "" : `, port: ${port}`}`;

const fallbackText = (fallback: Server): string =>
  `{ ${serverText(fallback)}, check: { type: ping } }`;

/** One is written in the short form. */
function fallbacksText(fallbacks: readonly Server[]): string[] {
  const [first] = fallbacks;
  if (first === undefined) return [];
  if (fallbacks.length === 1) return [`    fallback: ${fallbackText(first)}`];
  return ["    fallbacks:", ...fallbacks.map((each) => `      - ${fallbackText(each)}`)];
}

function serviceText(service: Service): string[] {
  const { persistence } = service;
  return [
    `  - label: ${service.label}`,
    `    address: ${service.vip}`,
    `    ports: [${portsText(service.ports)}]`,
    `    protocol: ${service.protocol}`,
    `    scheduler: ${service.scheduler}`,
    // Nothing is forgotten by time during a game.
    ...(persistence === null ? [] : [`    persistence: { timeout: 24h, netmask: ${persistence} }`]),
    "    realServers:",
    ...service.servers.map(
      (server) =>
        `      - { label: ${server.label}, ${serverText(server)}, weight: ${server.weight} }`,
    ),
    ...fallbacksText(service.fallbacks),
    "    check: { type: ping }",
  ];
}

export const servicesText = ({ services }: Setup): string =>
  [
    `floatingIps: [ { label: gateway, address: ${GATEWAY} } ]`,
    ...(services.length === 0 ? [] : ["virtualServices:", ...services.flatMap(serviceText)]),
    "",
  ].join("\n");

/** Modes of servers that are no longer configured stay: an operator's word outlives a mistake in the file. */
export function modesText({ modes }: Setup): string {
  const entries = [...modes].flatMap(([id, mode]) => {
    const [service, server] = id.split("/");
    return mode === "online" ? [] : `{ service: ${service}, server: ${server}, mode: ${mode} }`;
  });
  return `modes: [ ${entries.join(", ")} ]\n`;
}

/** For people, where something is wrong. */
export const setupText = (setup: Setup): string =>
  `${servicesText(setup)}${modesText(setup)}health: ${JSON.stringify(Object.fromEntries(setup.health))}\n`;

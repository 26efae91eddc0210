// server-plan.ts — the configuration and the operators' modes as one list of services and servers.
import {
  type CheckConfig,
  fallbackLabel,
  fallbacksOf,
  isWide,
  listPorts,
  type ModesConfig,
  PAGE_LABEL,
  PAGE_PORT,
  type PortRange,
  type ServerMode,
  type ServicesConfig,
  type VirtualService,
} from "@lbpair/common";
import { sameValue } from "./same-value.js";
import { keepNumbers } from "./service-id.js";

/** A server of one virtual service; the fallback server is one too. */
export interface PlannedServer {
  /** `service/server`; the fallback server is `service/fallback`. */
  readonly id: string;
  readonly label: string;
  readonly role: "real" | "fallback";
  readonly address: string;
  /** Port on the server; 0 = the port the client used. */
  readonly port: number;
  readonly weight: number;
  /** 0 = no limit. */
  readonly maxConnections: number;
  /** 0 = one below the maximum. */
  readonly minConnections: number;
  readonly mode: ServerMode;
  /** How it is checked; null = not at all, and it counts as healthy. */
  readonly check: CheckConfig | null;
  /** Whether it is the node's own page: then the address is the service's. */
  readonly builtIn: boolean;
}

/** That a service stays on its fallback until an operator releases it. */
export interface PlannedHold {
  readonly reason: string | null;
  readonly since: string | null;
}

export interface PlannedService {
  readonly label: string;
  readonly address: string;
  readonly ranges: readonly PortRange[];
  /** Every single port of the ranges that are not wide, in the order written, each once. */
  readonly ports: readonly number[];
  /** Ranges that the kernel holds as ranges. */
  readonly wide: readonly PortRange[];
  readonly protocol: "tcp" | "udp" | "both";
  readonly protocols: readonly Protocol[];
  readonly scheduler: VirtualService["scheduler"];
  /** Null where a client need not come back to the server it had. */
  readonly persistence: NonNullable<VirtualService["persistence"]> | null;
  /** Whether servers see the service's address instead of the client's. */
  readonly sourceNat: boolean;
  readonly check: CheckConfig;
  readonly recovery: VirtualService["recovery"];
  readonly onReturn: VirtualService["onReturn"];
  readonly held: PlannedHold | null;
  /** Real servers in the order written, then fallback servers in theirs, the built-in page last. */
  readonly servers: readonly PlannedServer[];
}

export type Protocol = "tcp" | "udp";

const protocolsOf = (protocol: "tcp" | "udp" | "both"): readonly Protocol[] =>
  protocol === "both" ? ["tcp", "udp"] : [protocol];

/** A fallback server has neither share nor limit. */
const NOT_WEIGHED = { weight: 0, maxConnections: 0, minConnections: 0 };

type ServerFacts = Pick<PlannedServer, "label" | "role" | "address"> & Partial<PlannedServer>;

/** Every server of a service; the built-in page answers on the service's own address. */
function serversOf(service: VirtualService, modeOf: (id: string) => ServerMode): PlannedServer[] {
  const server = (facts: ServerFacts): PlannedServer => {
    const id = `${service.label}/${facts.label}`;
    return { port: 0, ...NOT_WEIGHED, check: null, builtIn: false, ...facts, id, mode: modeOf(id) };
  };
  const page = {
    label: PAGE_LABEL,
    role: "fallback",
    address: service.address,
    port: PAGE_PORT,
    builtIn: true,
  } as const;
  return [
    ...service.realServers.map((real) => server({ ...real, role: "real", check: service.check })),
    ...fallbacksOf(service).map(({ address, port, check = null }, place) =>
      server({ label: fallbackLabel(place), role: "fallback", address, port, check }),
    ),
    ...(service.fallbackPage ? [server(page)] : []),
  ];
}

/** What an earlier plan was made from. */
export interface EarlierPlan {
  readonly config: ServicesConfig;
  readonly services: readonly PlannedService[];
}

/** What operators have said, by server id and by service. */
interface Said {
  modeOf(id: string): ServerMode;
  holdOf(service: VirtualService): PlannedHold | null;
}

function saidBy({ modes, held = [] }: ModesConfig): Said {
  const modeById = new Map(
    modes.map(({ service, server, mode }) => [`${service}/${server}`, mode]),
  );
  const heldByLabel = new Map(held.map((entry) => [entry.service, entry] as const));
  return {
    modeOf: (id) => modeById.get(id) ?? "online",
    holdOf({ label, recovery }) {
      const hold = recovery === "manual" ? heldByLabel.get(label) : undefined;
      return hold === undefined ? null : { reason: hold.reason ?? null, since: hold.since ?? null };
    },
  };
}

function planService(service: VirtualService, { modeOf, holdOf }: Said): PlannedService {
  const { label, address, ports: ranges, protocol, scheduler, check } = service;
  return {
    label,
    address,
    ranges,
    ports: [...new Set(listPorts(ranges.filter((range) => !isWide(range))))],
    wide: ranges.filter(isWide),
    protocol,
    protocols: protocolsOf(protocol),
    scheduler,
    persistence: service.persistence ?? null,
    check,
    sourceNat: service.sourceNat,
    recovery: service.recovery,
    onReturn: service.onReturn,
    held: holdOf(service),
    servers: serversOf(service, modeOf),
  };
}

/**
 * What the data plane works from; a server that no mode names is online. A service that is as it was
 * `before` is the same object, so that whoever comes after sees at once that nothing is to be done.
 */
export function planServices(
  config: ServicesConfig,
  modes: ModesConfig,
  before?: EarlierPlan,
): readonly PlannedService[] {
  const said = saidBy(modes);
  if (before === undefined) return config.virtualServices.map((each) => planService(each, said));
  const known = new Map(before.config.virtualServices.map((each, index) => [each.label, index]));
  const services = config.virtualServices.map((service) => {
    const index = known.get(service.label) ?? -1;
    const planned = before.services[index];
    const same =
      planned !== undefined &&
      sameValue(service, before.config.virtualServices[index]) &&
      sameValue(planned.held, said.holdOf(service)) &&
      planned.servers.every(({ id, mode }) => mode === said.modeOf(id));
    return same ? planned : planService(service, said);
  });
  keepNumbers(services, before.services);
  return services;
}

/** The port a client's port becomes on a server. */
export const portOnServer = (server: { readonly port: number }, vipPort: number): number =>
  server.port === 0 ? vipPort : server.port;

/** Whether a server's packets are its service's at all; a halted server has left every map. */
export const belongs = (server: PlannedServer): boolean => server.mode !== "halt";

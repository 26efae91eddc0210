// coverage-rule.ts — whether a configuration lets a failover be survived with no table sync, and why.
//
// The node that takes over has no conntrack entry. It finds a connection's server again from the
// packet alone, in both directions, if two things hold for the virtual service:
//   client → server  the scheduler is a function of the packet, so both nodes choose alike
//   server → client  address . protocol . port of a server names one VIP . port, so a mid-stream
//                    packet of the server can be given back the address its client knows
import { fallbackLabel, fallbacksOf } from "./fallbacks.js";
import { countPorts, type PortRange, portRangesOverlap } from "./ports.js";

/** What the rule has to know of a server; `port` absent or 0 = the port the client used. */
export interface CoverageServer {
  readonly label?: string | undefined;
  readonly address: string;
  readonly port?: number | undefined;
}

/** What the rule has to know of a virtual service; fits one of `ServicesConfig`. */
export interface CoverageService {
  readonly label: string;
  readonly address: string;
  readonly ports: readonly PortRange[];
  readonly protocol: "tcp" | "udp" | "both";
  readonly scheduler: string;
  /** Whether clients come back to the server they had; whatever it is set to. */
  readonly persistence?: object | undefined;
  readonly sourceNat?: boolean | undefined;
  readonly realServers: readonly CoverageServer[];
  readonly fallback?: CoverageServer | undefined;
  readonly fallbacks?: readonly CoverageServer[] | undefined;
}

export interface CoverageByRule {
  readonly label: string;
  readonly byRule: boolean;
  /** Whether a server's packets name their service: then a connection that was told to the peer lives on too. */
  readonly returns: boolean;
  /** One sentence for people. */
  readonly reason: string;
}

/** Schedulers whose choice depends on nothing but the packet and the configuration. */
const PACKET_SCHEDULERS: ReadonlySet<string> = new Set(["weighted-hash", "source-hash"]);

/** "Packets from these ports of the server belong to this VIP"; vipPort null = the same port. */
interface Claim {
  readonly service: string;
  readonly server: string;
  readonly serverAddress: string;
  readonly protocol: "tcp" | "udp";
  readonly vip: string;
  readonly range: PortRange;
  readonly vipPort: number | null;
}

function claimsOfServer(service: CoverageService, server: CoverageServer, name: string): Claim[] {
  const protocols =
    service.protocol === "both" ? (["tcp", "udp"] as const) : ([service.protocol] as const);
  const base = {
    service: service.label,
    server: name,
    serverAddress: server.address,
    vip: service.address,
  };
  return protocols.flatMap((protocol): Claim[] =>
    server.port === undefined || server.port === 0
      ? service.ports.map((range) => ({ ...base, protocol, range, vipPort: null }))
      : [
          {
            ...base,
            protocol,
            range: { first: server.port, last: server.port },
            vipPort: service.ports[0]?.first ?? 0,
          },
        ],
  );
}

const serversOf = (service: CoverageService): [CoverageServer, string][] => [
  ...service.realServers.map((server): [CoverageServer, string] => [
    server,
    server.label ?? server.address,
  ]),
  ...fallbacksOf(service).map((server, place): [CoverageServer, string] => [
    server,
    place === 0 ? "the fallback server" : `the server ${fallbackLabel(place)}`,
  ]),
];

/** Where two claims meet, the port of it; undefined where both name the same VIP . port there. */
function conflict(a: Claim, b: Claim): number | undefined {
  if (!portRangesOverlap(a.range, b.range)) return undefined;
  const port = Math.max(a.range.first, b.range.first);
  const same = a.vip === b.vip && (a.vipPort ?? port) === (b.vipPort ?? port);
  return same ? undefined : port;
}

const tell = (mine: Claim, other: Claim, port: number): string => {
  const owner = other.service === mine.service ? "another port of the service" : other.service;
  return `${mine.server} (${mine.serverAddress}) answers on ${mine.protocol} port ${port} for ${owner} too, so its packets do not name one virtual service`;
};

/** Reasons by service label; claims must all be of one server address and protocol. */
function findConflicts(claims: readonly Claim[], reasons: Map<string, string>): void {
  const sorted = [...claims].sort((a, b) => a.range.first - b.range.first);
  let widest: Claim | undefined;
  for (const claim of sorted) {
    if (widest !== undefined) {
      const port = conflict(claim, widest);
      if (port !== undefined) {
        if (!reasons.has(claim.service)) reasons.set(claim.service, tell(claim, widest, port));
        if (!reasons.has(widest.service)) reasons.set(widest.service, tell(widest, claim, port));
      }
    }
    if (widest === undefined || claim.range.last > widest.range.last) widest = claim;
  }
}

/** Why the other node might choose another server for a client's packet. */
function chooserReason(service: CoverageService): string | undefined {
  if (service.realServers.length < 2) return undefined;
  if (!PACKET_SCHEDULERS.has(service.scheduler)) {
    return `the scheduler ${service.scheduler} is not a function of the packet, so the other node has to be told of each connection, which takes seconds`;
  }
  if (service.persistence === undefined) return undefined;
  return `by persistence a client may have another server than ${service.scheduler} names, so the other node has to be told of such connections, which takes seconds`;
}

/** The reason a service's own lines already rule out that servers' packets name it. */
function ownReason(service: CoverageService): string | undefined {
  if (service.sourceNat === true) {
    return "with source NAT a server's packets do not name their client, so after a failover a connection waits until its client says something";
  }
  const ports = countPorts(service.ports);
  for (const [server, name] of serversOf(service)) {
    if (server.port !== undefined && server.port !== 0 && ports > 1) {
      return `${name} (${server.address}) answers all ${ports} ports of the service on its port ${server.port}, so its packets do not name one of them`;
    }
  }
  return undefined;
}

function coveredReason(service: CoverageService): string {
  const servers = serversOf(service).length;
  const choice =
    service.realServers.length > 1
      ? `${service.scheduler} chooses by the packet alone`
      : "there is one real server to choose";
  return `${choice}, and the ports of ${servers === 1 ? "its server answer" : `all ${servers} servers answer`} for this service only`;
}

/**
 * Claims of each address and protocol that several servers are at. A server that is alone at its address
 * conflicts with nothing but its service's own lines.
 */
function sharedClaims(services: readonly CoverageService[]): Iterable<readonly Claim[]> {
  const at = new Map<
    string,
    { service: CoverageService; server: CoverageServer; name: string }[]
  >();
  for (const service of services) {
    for (const [server, name] of serversOf(service)) {
      const group = at.get(server.address);
      if (group === undefined) at.set(server.address, [{ service, server, name }]);
      else group.push({ service, server, name });
    }
  }
  const groups = new Map<string, Claim[]>();
  for (const [address, servers] of at) {
    if (servers.length === 1) continue;
    for (const { service, server, name } of servers) {
      for (const claim of claimsOfServer(service, server, name)) {
        const key = `${claim.protocol} ${address}`;
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [claim]);
        else group.push(claim);
      }
    }
  }
  return groups.values();
}

/**
 * For every virtual service, in the order given, whether a failover needs no table sync. A property
 * of the configuration; how many open connections fit it now is counted by the forwarder.
 */
export function coverageByRule(services: readonly CoverageService[]): CoverageByRule[] {
  const reasons = new Map<string, string>();
  for (const service of services) {
    const reason = ownReason(service);
    if (reason !== undefined) reasons.set(service.label, reason);
  }
  for (const claims of sharedClaims(services)) findConflicts(claims, reasons);
  return services.map((service) => {
    const conflicting = reasons.get(service.label);
    const reason = conflicting ?? chooserReason(service);
    return {
      label: service.label,
      byRule: reason === undefined,
      returns: conflicting === undefined,
      reason: reason ?? coveredReason(service),
    };
  });
}

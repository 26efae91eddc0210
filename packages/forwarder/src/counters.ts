// counters.ts — the kernel's element counters as sums per service and per server.
import { type PortRange, portRangesOverlap } from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import type { SetName } from "./elements.js";
import { hasPort, type Lookup, lookupOf } from "./lookup.js";
import type { PlannedServer, PlannedService } from "./server-plan.js";
import { classNumber } from "./service-id.js";

export interface Total {
  /** Flows that this node decided: new ones, and ones it picked up after a failover. */
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

/** By service label and by server id. */
export type Totals = ReadonlyMap<string, Total>;

/** One element of a set with counters, and what it has counted. */
export interface CountedElement {
  readonly set: SetName;
  readonly key: string;
  readonly value: string;
  readonly packets: number;
  readonly bytes: number;
}

export const NO_TOTAL: Total = { connections: 0, packets: 0, bytes: 0 };

const add = (a: Total, b: Total): Total => ({
  connections: a.connections + b.connections,
  packets: a.packets + b.packets,
  bytes: a.bytes + b.bytes,
});

const largest = (a: Total, b: Total): Total => ({
  connections: Math.max(a.connections, b.connections),
  packets: Math.max(a.packets, b.packets),
  bytes: Math.max(a.bytes, b.bytes),
});

function merge(a: Totals, b: Totals, join: (a: Total, b: Total) => Total): Totals {
  const merged = new Map(a);
  for (const [key, total] of b) merged.set(key, join(merged.get(key) ?? NO_TOTAL, total));
  return merged;
}

export const sumTotals = (a: Totals, b: Totals): Totals => merge(a, b, add);

/** Counts only rise; a reading taken while an element was moved must not show less than before. */
export const notLess = (before: Totals, now: Totals): Totals => merge(now, before, largest);

const SOCKET = /^(\S+) \. (\S+) \. (\d+)(?:-(\d+))?$/;

const WIDE: ReadonlySet<SetName> = new Set(["widetoservers", "widefromservers"]);

interface Piece extends PortRange {
  /** Whether it is of a set of ranges: then no single port is meant. */
  readonly wide: boolean;
}

/** A port of the server's own is what every port of the service becomes. */
function answersAt(service: PlannedService, { port }: PlannedServer, piece: Piece): boolean {
  const own = port === 0 ? undefined : { first: port, last: port };
  if (service.wide.some((range) => portRangesOverlap(own ?? range, piece))) return true;
  if (piece.wide || service.ports.length === 0) return false;
  return port === 0 ? hasPort(service, piece.first) : port === piece.first;
}

/** Everybody whose packets these are: services may share a server's port. */
function ownersOfSocket(set: SetName, key: string, lookup: Lookup): string[] {
  const [, address = "", protocol = "", first, last = first] = SOCKET.exec(key) ?? [];
  const piece = { first: Number(first), last: Number(last), wide: WIDE.has(set) };
  return lookup.servedAt(address).flatMap(({ service }) => {
    if (!service.protocols.some((each) => each === protocol)) return [];
    const servers = service.servers.filter(
      (server) => server.address === address && answersAt(service, server, piece),
    );
    return servers.length === 0 ? [] : [service.label, ...servers.map(({ id }) => id)];
  });
}

/** Whose count an element is; of several, each has it. */
function ownersOf({ set, key, value }: CountedElement, lookup: Lookup): readonly string[] {
  if (set === "toservers" || set === "fromservers" || WIDE.has(set)) {
    return ownersOfSocket(set, key, lookup);
  }
  if (set === "services" || set === "wideservices") {
    const [, vip = "", protocol = "", port] = SOCKET.exec(key) ?? [];
    const found = lookup.service(vip, protocol, Number(port));
    return found === undefined ? [] : [found.service.label];
  }
  // The number of a service or of a server, and the server's address behind it.
  const number = classNumber(key);
  const found = lookup.numbered(number);
  if (found === undefined) return [];
  const owner = found.service.servers.find(
    (server, index) =>
      server.address === value && (number === found.id || number === found.serverNumbers[index]),
  );
  return owner === undefined ? [] : [owner.id];
}

/** What one element has counted. The maps see first packets only, the four sets see all. */
const totalOf = ({ set, packets, bytes }: CountedElement): Total =>
  set === "toservers" || set === "fromservers" || WIDE.has(set)
    ? { connections: 0, packets, bytes }
    : { connections: packets, packets: 0, bytes: 0 };

/** By the services there are; what went with a change belongs to those `formerly` too. */
export function elementTotals(
  elements: Iterable<CountedElement>,
  distributions: readonly Distribution[],
  formerly: readonly Distribution[] = distributions,
): Totals {
  const lookups = [...new Set([formerly, distributions])].map(lookupOf);
  const totals = new Map<string, Total>();
  for (const element of elements) {
    if (element.packets === 0) continue;
    const owners = new Set(lookups.flatMap((lookup) => ownersOf(element, lookup)));
    for (const owner of owners) {
      totals.set(owner, add(totals.get(owner) ?? NO_TOTAL, totalOf(element)));
    }
  }
  return totals;
}

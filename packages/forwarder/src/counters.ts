// counters.ts — the kernel's element counters as sums per service and per server.
import { type PortRange, portRangesOverlap } from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import { CONFIGURED, type SetName } from "./elements.js";
import type { PresentTable } from "./present-table.js";
import { wideSocket } from "./return-elements.js";
import { type PlannedServer, portOnServer } from "./server-plan.js";
import { classid } from "./service-id.js";

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

/** Whose count an element's key and value are; several where services share a server's port. */
export type OwnersOf = (element: CountedElement) => readonly string[];

const WIDE: ReadonlySet<SetName> = new Set(["widetoservers", "widefromservers"]);

const PORTS = /^(\S+ \. \S+) \. (\d+)(?:-(\d+))?$/;

/** Servers of services with wide ranges; the kernel may hold pieces of a range. */
class WideOwners {
  readonly #claims = new Map<string, { readonly range: PortRange; readonly owners: string[] }[]>();

  /** A port of the server's own is what every port of the range becomes. */
  add({ address, port, id }: PlannedServer, protocol: string, range: PortRange, label: string) {
    const key = `${address} . ${protocol}`;
    const own = port === 0 ? range : { first: port, last: port };
    const claims = this.#claims.get(key) ?? [];
    claims.push({ range: own, owners: [id, label] });
    this.#claims.set(key, claims);
  }

  at(key: string): string[] {
    const [, server = "", first, last = first] = PORTS.exec(key) ?? [];
    const piece = { first: Number(first), last: Number(last) };
    const claims = this.#claims.get(server) ?? [];
    return claims.flatMap(({ range, owners }) => (portRangesOverlap(range, piece) ? owners : []));
  }
}

/** Look-up of owners in a set of distributions; built once for many elements. */
export function indexOwners(distributions: readonly Distribution[]): OwnersOf {
  const services = new Map<string, string[]>();
  const servers = new Map<string, string[]>();
  const sockets = new Map<string, Set<string>>();
  const wide = new WideOwners();
  for (const { service, id, serverNumbers } of distributions) {
    for (const protocol of service.protocols) {
      for (const range of service.wide) {
        services.set(wideSocket(service.address, protocol, range), [service.label]);
        for (const server of service.servers) wide.add(server, protocol, range, service.label);
      }
      for (const port of service.ports) {
        services.set(`${service.address} . ${protocol} . ${port}`, [service.label]);
        for (const server of service.servers) {
          const key = `${server.address} . ${protocol} . ${portOnServer(server, port)}`;
          const owners = sockets.get(key) ?? new Set();
          sockets.set(key, owners.add(server.id).add(service.label));
        }
      }
    }
    service.servers.forEach((server, index) => {
      const key = `${classid(id)} ${server.address}`;
      if (!servers.has(key)) servers.set(key, [server.id]);
      servers.set(`${classid(serverNumbers[index] ?? 0)} ${server.address}`, [server.id]);
    });
  }
  return ({ set, key, value }) => {
    if (set === "services" || set === "wideservices") return services.get(key) ?? [];
    if (set === "toservers" || set === "fromservers") {
      return [...new Set([...(sockets.get(key) ?? []), ...wide.at(key)])];
    }
    if (WIDE.has(set)) return wide.at(key);
    // The number of a service or of a server, and the server's address behind it.
    return servers.get(`${key} ${value}`) ?? [];
  };
}

/** What one element has counted. The maps see first packets only, the four sets see all. */
const totalOf = ({ set, packets, bytes }: CountedElement): Total =>
  set === "toservers" || set === "fromservers" || WIDE.has(set)
    ? { connections: 0, packets, bytes }
    : { connections: packets, packets: 0, bytes: 0 };

export function elementTotals(
  elements: Iterable<CountedElement>,
  distributions: readonly Distribution[],
): Totals {
  const ownersOf = indexOwners(distributions);
  const totals = new Map<string, Total>();
  for (const element of elements) {
    if (element.packets === 0) continue;
    for (const owner of ownersOf(element)) {
      totals.set(owner, add(totals.get(owner) ?? NO_TOTAL, totalOf(element)));
    }
  }
  return totals;
}

/** Every counted element of a listing. */
export function* countedElements(present: PresentTable): Generator<CountedElement> {
  for (const set of CONFIGURED) {
    for (const [key, { packets, bytes }] of present.counts[set]) {
      yield { set, key, value: present.elements[set].get(key) ?? "", packets, bytes };
    }
  }
}

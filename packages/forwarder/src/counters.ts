// counters.ts — the kernel's element counters as sums per service and per server.
import type { Distribution } from "./distribution.js";
import { type ElementChanges, noElements } from "./elements.js";
import type { Count, PresentTable } from "./present-table.js";
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

export const NO_TOTAL: Total = { connections: 0, packets: 0, bytes: 0 };

export const addTotal = (a: Total, b: Total): Total => ({
  connections: a.connections + b.connections,
  packets: a.packets + b.packets,
  bytes: a.bytes + b.bytes,
});

export function sumTotals(a: Totals, b: Totals): Totals {
  const sum = new Map(a);
  for (const [key, total] of b) sum.set(key, addTotal(sum.get(key) ?? NO_TOTAL, total));
  return sum;
}

type Counts = PresentTable["counts"];

const packetsOf = (count: Count | undefined): number => count?.packets ?? 0;

function serverConnections(counts: Counts, each: Distribution, server: PlannedServer): number {
  const key = classid(each.id);
  const { slots, pool } = each;
  if (slots === null) {
    return pool.serving[0] === server ? packetsOf(counts.servers.get(key)) : 0;
  }
  return slots.owners.reduce(
    (sum, owner, slot) =>
      owner === server
        ? sum + packetsOf(counts[`slots${slots.size}`].get(`${key} . ${slot}`))
        : sum,
    0,
  );
}

/**
 * Packets and bytes both ways of a server's own ports. A port that two services share counts for
 * both: the packet itself does not say whose it is.
 */
function serverTraffic(counts: Counts, each: Distribution, server: PlannedServer): Count {
  let packets = 0;
  let bytes = 0;
  const { service } = each;
  const ports = new Set(service.ports.map((port) => portOnServer(server, port)));
  for (const protocol of service.protocols) {
    for (const port of ports) {
      const key = `${server.address} . ${protocol} . ${port}`;
      for (const count of [counts.toservers.get(key), counts.fromservers.get(key)]) {
        packets += count?.packets ?? 0;
        bytes += count?.bytes ?? 0;
      }
    }
  }
  return { packets, bytes };
}

/** Sums of what the table counts now. */
export function countTotals(counts: Counts, distributions: readonly Distribution[]): Totals {
  const totals = new Map<string, Total>();
  for (const each of distributions) {
    const { service } = each;
    let connections = 0;
    for (const protocol of service.protocols) {
      for (const port of service.ports) {
        const key = `${service.address} . ${protocol} . ${port}`;
        connections += packetsOf(counts.services.get(key));
      }
    }
    let sum: Total = { connections, packets: 0, bytes: 0 };
    for (const server of service.servers) {
      const traffic = serverTraffic(counts, each, server);
      totals.set(server.id, { connections: serverConnections(counts, each, server), ...traffic });
      sum = addTotal(sum, { connections: 0, ...traffic });
    }
    totals.set(service.label, sum);
  }
  return totals;
}

/** What the elements that a change removes have counted, so that no count goes back. */
export function countsLost(present: PresentTable, changes: ElementChanges | null): Counts {
  if (changes === null) return present.counts;
  const lost = Object.fromEntries(
    Object.keys(noElements()).map((name) => [name, new Map<string, Count>()]),
  ) as Record<keyof Counts, Map<string, Count>>;
  for (const name of Object.keys(lost) as (keyof Counts)[]) {
    for (const key of changes.removed[name].keys()) {
      const count = present.counts[name].get(key);
      if (count !== undefined) lost[name].set(key, count);
    }
  }
  return lost;
}

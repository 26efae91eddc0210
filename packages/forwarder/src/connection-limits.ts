// connection-limits.ts — which servers are at their maximum of connections, and get no new one (F2).
//
// The kernel holds each server to its maximum by itself: it counts connections as they begin, and drops
// the SYN that would be one too many. This here is the slower half: it counts what is open, sends new
// connections to other servers once a maximum is reached, and back once the minimum is.
import type { Distribution } from "./distribution.js";
import { type Flow, isOpen } from "./flow.js";
import { ownFlows } from "./flow-owner.js";
import type { PlannedServer } from "./server-plan.js";

/** Ids of servers that get no new connection by their limit. */
export type Full = ReadonlySet<string>;

export const NONE_FULL: Full = new Set();

export const isLimited = (server: PlannedServer): boolean => server.maxConnections > 0;

const limits = ({ service }: Distribution): boolean => service.servers.some(isLimited);

export const anyLimits = (distributions: readonly Distribution[]): boolean =>
  distributions.some(limits);

/** A limit that was taken away holds nobody any more. */
export const isFull = (server: PlannedServer, full: Full): boolean =>
  isLimited(server) && full.has(server.id);

/** Between minimum and maximum it is as it was: `before`. */
function reached(server: PlannedServer, open: number, before: Full): boolean {
  const { maxConnections, minConnections } = server;
  if (open >= maxConnections) return true;
  return minConnections > 0 && before.has(server.id) && open > minConnections;
}

/** Judged by what the connection table shows now. */
export function judgeFull(
  distributions: readonly Distribution[],
  flows: readonly Flow[],
  before: Full,
): Full {
  const limited = distributions.filter(limits);
  if (limited.length === 0) return NONE_FULL;
  const open = new Map<PlannedServer, number>();
  const tcp = flows.filter((flow) => flow.protocol === "tcp" && isOpen(flow));
  for (const { server } of ownFlows(tcp, limited)) {
    if (server !== undefined) open.set(server, (open.get(server) ?? 0) + 1);
  }
  const full = limited.flatMap(({ service }) =>
    service.servers.filter(
      (server) => isLimited(server) && reached(server, open.get(server) ?? 0, before),
    ),
  );
  return new Set(full.map((server) => server.id));
}

export const sameFull = (a: Full, b: Full): boolean =>
  a.size === b.size && [...a].every((id) => b.has(id));

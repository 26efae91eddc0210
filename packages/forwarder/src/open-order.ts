// open-order.ts — how many connections to some servers are open, as the replicator asks while a drain is to end in a halt.
import { type Condition, type OpenAnswer, RefusalError } from "@lbpair/common";
import { isOpen } from "./flow.js";
import { ownFlows } from "./flow-owner.js";
import type { Works } from "./works.js";

function readServers(body: unknown): readonly string[] {
  const { servers } = (body ?? {}) as { readonly servers?: unknown };
  if (Array.isArray(servers) && servers.every((id) => typeof id === "string")) return servers;
  throw new RefusalError(400, "servers: want a list of names SERVICE/SERVER");
}

/**
 * `{servers}`. A connection that this node has a pin of counts, too: after a take over a silent one is
 * in nobody's connection table until it speaks.
 */
export async function countOpen(
  body: unknown,
  works: Works | null,
  condition: Condition,
): Promise<OpenAnswer> {
  if (works === null) throw new RefusalError(409, "no configuration is in force here");
  const counts = new Map(readServers(body).map((id) => [id, 0]));
  const add = (id: string | undefined): void => {
    const count = id === undefined ? undefined : counts.get(id);
    if (id !== undefined && count !== undefined) counts.set(id, count + 1);
  };
  const { flows } = await works.snapshots.read();
  const distributions = works.plane.wish?.distributions ?? [];
  for (const { server } of ownFlows(flows.filter(isOpen), distributions)) add(server?.id);
  for (const [id, count] of counts) {
    if (count > 0) continue;
    const pinned = [...works.pins.held.values()].filter(({ server }) => server === id);
    counts.set(id, pinned.length);
  }
  return { condition, open: Object.fromEntries(counts) };
}

// service-id.ts — the number a virtual service has in the kernel's maps.
import { stableHash } from "./hash.js";

/**
 * Ids by label. They come from the label, not from the place in the file, so a service that is
 * added or removed leaves the others' elements and counters alone. 0 means "no service" in the rules.
 */
export function serviceIds(labels: readonly string[]): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  const taken = new Set<number>([0, 0xffffffff]);
  for (const label of [...labels].sort()) {
    let id = stableHash(label);
    while (taken.has(id)) id = (id + 1) >>> 0;
    taken.add(id);
    ids.set(label, id);
  }
  return ids;
}

/** nftables' notation of a 32-bit classid, as it prints it itself. */
export const classid = (id: number): string =>
  `${(id >>> 16).toString(16)}:${(id & 0xffff).toString(16)}`;

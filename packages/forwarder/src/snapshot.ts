// snapshot.ts — wiring: what the kernel counts now, read at most twice a second however many ask.
import type { Clock, ForwarderStatus, Log, Millis } from "@lbpair/common";
import type { ConnectionTable } from "./conntrack.js";
import { notLess, type Totals } from "./counters.js";
import type { DataPlane, Wish } from "./data-plane.js";
import type { Flow } from "./flow.js";
import type { NftTable } from "./nft.js";
import type { PresentTable } from "./present-table.js";

export interface Snapshot {
  readonly totals: Totals;
  readonly flows: readonly Flow[];
  readonly refused: ForwarderStatus["refused"];
}

/** Before anything was read, and where the table is away. */
export const NOTHING_REFUSED = { toFloatingIps: 0, betweenArms: 0, overLimit: 0 };

function refusedIn(present: PresentTable | null): Snapshot["refused"] {
  const packets = (name: string): number => present?.named.get(name)?.packets ?? 0;
  return {
    toFloatingIps: packets("guarded"),
    betweenArms: packets("foreign"),
    overLimit: packets("postponed"),
  };
}

/** Answers within this time of the last reading are given from it. */
export const SNAPSHOT_MS = 500;
/** Longest wait for a reading: a table of thousands of services takes seconds, and who asks gets the last one. */
export const SNAPSHOT_WAIT_MS = 500;
/** What a reading took beyond that is followed by a rest so many times as long; one slow moment makes no old answers. */
const REST = 20;

export interface SnapshotReader {
  /** Never rejects: what cannot be read is as it was last. */
  read(): Promise<Snapshot>;
}

function soon<T>(work: Promise<T>, instead: () => T): Promise<T> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(instead()), SNAPSHOT_WAIT_MS);
    void work.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

export function createSnapshotReader(deps: {
  readonly plane: DataPlane;
  readonly nft: Pick<NftTable, "listRules">;
  readonly connections: ConnectionTable;
  readonly clock: Clock;
  readonly log: Log;
}): SnapshotReader {
  const { plane, nft, connections, clock, log } = deps;
  let last: Snapshot = { totals: new Map(), flows: [], refused: NOTHING_REFUSED };
  let readAt: Millis | null = null;
  let goodForMs = SNAPSHOT_MS;
  /** A reading is of one configuration; a new one is read anew. */
  let readFor: Wish | null = null;
  let reading: Promise<Snapshot> | null = null;

  const readNow = async (): Promise<Snapshot> => {
    const began = clock.now();
    readFor = plane.wish;
    try {
      await plane.read();
      const refused = refusedIn(await nft.listRules());
      const distributions = plane.wish?.distributions ?? [];
      const totals = notLess(last.totals, plane.totals);
      const vips = new Set(distributions.map((each) => each.service.address));
      const flows = vips.size === 0 ? [] : await connections.list(vips);
      last = { totals, flows, refused };
    } catch (error) {
      log.warn({ error: error instanceof Error ? error.message : error }, "counts cannot be read");
    }
    readAt = clock.now();
    const tookMs = readAt - began;
    goodForMs = Math.max(SNAPSHOT_MS, tookMs * 2, (tookMs - SNAPSHOT_WAIT_MS) * REST);
    reading = null;
    return last;
  };

  return {
    read() {
      const fresh = readAt !== null && clock.now() - readAt < goodForMs;
      const slow = goodForMs > SNAPSHOT_WAIT_MS * REST;
      if (fresh && (slow || plane.wish === readFor)) return Promise.resolve(last);
      reading ??= readNow();
      return soon(reading, () => last);
    },
  };
}

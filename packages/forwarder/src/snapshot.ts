// snapshot.ts — wiring: what the kernel counts now, read at most twice a second however many ask.
import type { Clock, Log, Millis } from "@lbpair/common";
import type { ConnectionTable } from "./conntrack.js";
import { countTotals, sumTotals, type Totals } from "./counters.js";
import type { DataPlane } from "./data-plane.js";
import type { Flow } from "./flow.js";

export interface Snapshot {
  readonly totals: Totals;
  readonly flows: readonly Flow[];
}

/** Answers within this time of the last reading are given from it. */
export const SNAPSHOT_MS = 500;

export interface SnapshotReader {
  /** Never rejects: what cannot be read is as it was last. */
  read(): Promise<Snapshot>;
}

export function createSnapshotReader(deps: {
  readonly plane: DataPlane;
  readonly connections: ConnectionTable;
  readonly clock: Clock;
  readonly log: Log;
}): SnapshotReader {
  const { plane, connections, clock, log } = deps;
  let last: Snapshot = { totals: new Map(), flows: [] };
  let readAt: Millis | null = null;
  let reading: Promise<Snapshot> | null = null;

  const readNow = async (): Promise<Snapshot> => {
    try {
      const present = await plane.read();
      const distributions = plane.wish?.distributions ?? [];
      const totals =
        present === null
          ? plane.past
          : sumTotals(plane.past, countTotals(present.counts, distributions));
      const vips = new Set(distributions.map((each) => each.service.address));
      last = { totals, flows: vips.size === 0 ? [] : await connections.list(vips) };
    } catch (error) {
      log.warn({ error: error instanceof Error ? error.message : error }, "counts cannot be read");
    }
    readAt = clock.now();
    reading = null;
    return last;
  };

  return {
    read() {
      if (readAt !== null && clock.now() - readAt < SNAPSHOT_MS) return Promise.resolve(last);
      reading ??= readNow();
      return reading;
    },
  };
}

// flap-memory.ts — the flap governor's memory across restarts and reboots, as lengths of time.
import type { Millis } from "@lbpair/common/light";
import type { HeartbeatMemory, RememberedFlaps } from "./adapters/epoch-store.js";
import { type FlapMemory, fromAges, NO_FLAPS, toAges } from "./core/flap-governor.js";

/** Upkeeps, one a second, between two writes while moves count: after a reboot they are that much older at most. */
const WRITE_UPKEEPS = 60;

export const rememberFlaps = (flaps: FlapMemory, now: Millis): RememberedFlaps => ({
  ...toAges(flaps, now),
  atMs: Math.round(now),
});

/** In the same boot the clock has gone on since; how long a reboot took nobody knows. */
export function recallFlaps(
  memory: Pick<HeartbeatMemory, "flaps" | "bootId"> | null,
  bootId: string,
  now: Millis,
): FlapMemory {
  const flaps = memory?.flaps;
  if (flaps === undefined) return NO_FLAPS;
  const elapsedMs = memory?.bootId === bootId ? Math.max(0, now - flaps.atMs) : 0;
  return fromAges(flaps, elapsedMs, now);
}

/** Whether the memory should be written now, only because time has passed. */
export const isDue = (flaps: FlapMemory, upkeeps: number): boolean =>
  flaps.moves.length > 0 && upkeeps % WRITE_UPKEEPS === 0;

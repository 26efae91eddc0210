// suspended-clock.ts — how long the machine has slept since it booted.
import { readFileSync } from "node:fs";
import { systemClock } from "@lbpair/common";

/** "350735.47 234388.90" of proc(5): seconds since boot, sleep included. Throws Error. */
export function parseUptimeMs(text: string): number {
  const seconds = /^(\d+\.\d+) /.exec(text)?.[1];
  if (seconds === undefined) throw new Error(`/proc/uptime: want seconds since boot, got ${text}`);
  return Math.round(Number(seconds) * 1000);
}

/**
 * Milliseconds this machine has been suspended since it booted, to about 10 ms: boot time goes on
 * while it sleeps, monotonic time does not. Only differences between two calls mean anything. A
 * paused virtual machine shows nothing of it: both its clocks stood still.
 */
export const readSuspendedMs = (): number =>
  parseUptimeMs(readFileSync("/proc/uptime", "latin1")) - systemClock.now();

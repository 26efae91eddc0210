// suspended-clock.ts — how long the machine has slept since it booted.
import { openSync, readSync } from "node:fs";
import { systemClock } from "@lbpair/common/light";

/** "350735.47 234388.90" of proc(5): seconds since boot, sleep included. Throws Error. */
export function parseUptimeMs(text: string): number {
  const seconds = /^(\d+\.\d+) /.exec(text)?.[1];
  if (seconds === undefined) throw new Error(`/proc/uptime: want seconds since boot, got ${text}`);
  return Math.round(Number(seconds) * 1000);
}

/** Room for two numbers of seconds. */
const UPTIME_BYTES_MAX = 64;
const line = Buffer.alloc(UPTIME_BYTES_MAX);
let file: number | undefined;

/**
 * Read some twenty times a second, so the file stays open: one system call instead of five. Read from
 * its beginning, procfs writes it anew each time.
 */
function readUptime(): string {
  file ??= openSync("/proc/uptime", "r");
  return line.toString("latin1", 0, readSync(file, line, 0, line.length, 0));
}

/** Two readings of the monotonic clock further apart than this do not date the one in between. */
const READING_MS_MAX = 5;
const READINGS_MAX = 20;

/**
 * Milliseconds this machine has been suspended since it booted, to about 10 ms: boot time goes on
 * while it sleeps, monotonic time does not. Only differences between two calls mean anything. A
 * paused virtual machine shows nothing of it: both its clocks stood still. A process that is stopped
 * between the readings would take its own pause for the machine's, so such a pair is read again;
 * undefined where none could be had.
 */
export function readSuspendedMs(): number | undefined {
  for (let i = 0; i < READINGS_MAX; i += 1) {
    const before = systemClock.now();
    const boot = parseUptimeMs(readUptime());
    if (systemClock.now() - before <= READING_MS_MAX) return boot - before;
  }
  return undefined;
}

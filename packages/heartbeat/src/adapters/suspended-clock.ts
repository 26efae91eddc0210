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
 * Read again and again, so the file stays open: one system call instead of five. Read from
 * its beginning, procfs writes it anew each time.
 */
function readUptime(): string {
  file ??= openSync("/proc/uptime", "r");
  return line.toString("latin1", 0, readSync(file, line, 0, line.length, 0));
}

/** Two readings of the monotonic clock further apart than this do not date the one in between. */
const READING_MS_MAX = 5;
const READINGS_MAX = 20;

/** The file is read again this long after the last time, whatever the wall clock says. */
const TRUSTED_MS = 1000;
/** A wall clock that is slewed departs from the monotonic one by half a millisecond a second. */
const DEPARTED_MS = 5;
let last:
  | { readonly suspendedMs: number; readonly at: number; readonly wallAhead: number }
  | undefined;

/**
 * What was read last, while it is certain that the machine has not slept since: a sleep moves the wall
 * clock as far ahead of the monotonic one as it moves boot time. The wall clock says no more than that:
 * where it has moved, somebody may have set it, and the file is read. Asked twenty times a second, and
 * writing the file costs the kernel more than all other questions of a beat.
 */
function unchanged(now: number, wall: number): number | undefined {
  if (last === undefined || now - last.at > TRUSTED_MS) return undefined;
  return Math.abs(wall - now - last.wallAhead) < DEPARTED_MS ? last.suspendedMs : undefined;
}

/**
 * Milliseconds this machine has been suspended since it booted, to about 10 ms: boot time goes on
 * while it sleeps, monotonic time does not. Only differences between two calls mean anything. A
 * paused virtual machine shows nothing of it: both its clocks stood still. A process that is stopped
 * between the readings would take its own pause for the machine's, so such a pair is read again;
 * undefined where none could be had.
 */
export function readSuspendedMs(): number | undefined {
  const known = unchanged(systemClock.now(), systemClock.wall().getTime());
  if (known !== undefined) return known;
  for (let i = 0; i < READINGS_MAX; i += 1) {
    const before = systemClock.now();
    const boot = parseUptimeMs(readUptime());
    const after = systemClock.now();
    if (after - before > READING_MS_MAX) continue;
    const wallAhead = systemClock.wall().getTime() - after;
    last = { suspendedMs: boot - before, at: after, wallAhead };
    return last.suspendedMs;
  }
  return undefined;
}

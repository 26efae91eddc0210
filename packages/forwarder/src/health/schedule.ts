// schedule.ts — when each check starts: on a grid of absolute times, whatever a check lasts.
import { type Millis, millis } from "@lbpair/common";

/** The timetable of one server: starts at `nextStart`, then each `interval` after it. */
export interface Slot {
  readonly nextStart: Millis;
  readonly interval: Millis;
}

/** First checks of a fresh start are spread over this, so that they do not start all at once. */
export const FIRST_STARTS_SPREAD_MS = 1000;
/** Each server widens the spread by this: a thousand servers are first checked within 20 s. */
export const FIRST_START_SHARE_MS = 20;
/**
 * The first slot of a server. A timetable known from before goes on, or a daemon restarted again
 * and again would check, and count failures, faster than configured. `random` is in [0, 1).
 */
export function firstSlot(facts: {
  readonly now: Millis;
  readonly interval: Millis;
  readonly lastStart: Millis | null;
  readonly servers: number;
  readonly random: number;
}): Slot {
  const { now, interval, lastStart } = facts;
  if (lastStart !== null) {
    const next = lastStart + interval;
    if (next > now && next <= now + interval) return { nextStart: millis(next), interval };
  }
  const spread = Math.max(FIRST_STARTS_SPREAD_MS, facts.servers * FIRST_START_SHARE_MS);
  const wait = Math.floor(Math.min(interval, spread) * facts.random);
  return { nextStart: millis(now + wait), interval };
}

/** After a start: the next point of the grid. A start that came late does not move the grid. */
export function afterStart(slot: Slot, now: Millis): Slot {
  const late = Math.max(0, now - slot.nextStart);
  const steps = Math.floor(late / slot.interval) + 1;
  return { ...slot, nextStart: millis(slot.nextStart + steps * slot.interval) };
}

/** The grid from the last start on with another interval between its points; no start is in the past. */
export function withInterval(slot: Slot, interval: Millis, now: Millis): Slot {
  if (interval === slot.interval) return slot;
  const next = slot.nextStart - slot.interval + interval;
  return { nextStart: millis(Math.max(next, now)), interval };
}

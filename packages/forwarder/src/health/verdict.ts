// verdict.ts — when consecutive results of checks turn a verdict.
//
//   verdict    result   then
//   unknown    either   the result is the verdict: one check is all the evidence there is
//   healthy    pass     count 0
//   healthy    fail     count + 1; at `failures` unhealthy, count 0
//   unhealthy  fail     count 0
//   unhealthy  pass     count + 1; at `successes` healthy, count 0
import type { Health, Millis } from "@lbpair/common";
import type { CheckResult } from "./types.js";

export interface Counting {
  readonly failures: number;
  readonly successes: number;
}

/** A verdict with its evidence; points in time are on the daemon's clock. */
export interface VerdictState {
  readonly health: Health;
  readonly reason: string;
  /** When the verdict last turned; null = never judged. */
  readonly since: Millis | null;
  readonly checkedAt: Millis | null;
  /** Consecutive results against the verdict. */
  readonly count: number;
}

export const NEVER_JUDGED: VerdictState = {
  health: "unknown",
  reason: "not checked yet",
  since: null,
  checkedAt: null,
  count: 0,
};

/** How many consecutive results against a verdict turn it. */
export function countNeeded(health: Health, counting: Counting): number {
  if (health === "unknown") return 1;
  return health === "healthy" ? counting.failures : counting.successes;
}

/** The verdict after one more result. */
export function judge(
  state: VerdictState,
  result: CheckResult,
  counting: Counting,
  now: Millis,
): VerdictState {
  const said: Health = result.passed ? "healthy" : "unhealthy";
  const { reason } = result;
  if (said === state.health) return { ...state, reason, checkedAt: now, count: 0 };
  const count = state.count + 1;
  if (count < countNeeded(state.health, counting)) {
    return { ...state, reason, checkedAt: now, count };
  }
  return { health: said, reason, since: now, checkedAt: now, count: 0 };
}

/** A verdict that no check stands behind: "on" and "off". */
export function declare(
  state: VerdictState,
  health: Health,
  reason: string,
  now: Millis,
): VerdictState {
  const since = state.health === health ? state.since : now;
  return { health, reason, since, checkedAt: null, count: 0 };
}

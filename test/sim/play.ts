// play.ts — plays one seed after the other; one that breaks a promise is played again with its story told.
import { BrokenPromise } from "./broken-promise.js";
import type { Coverage } from "./coverage.js";
import { Life } from "./life.js";
import { timeline } from "./timeline.js";

export interface Broken {
  readonly seed: number;
  readonly promise: string;
  readonly story: string;
}

export interface Tally {
  seeds: number;
  faults: number;
  claims: number;
  simulatedMs: number;
  /** Longest time that both answered, where that is permitted. */
  bothAnsweredMs: number;
}

export const emptyTally = (): Tally => ({
  seeds: 0,
  faults: 0,
  claims: 0,
  simulatedMs: 0,
  bothAnsweredMs: 0,
});

export function addTally(to: Tally, more: Tally): void {
  to.seeds += more.seeds;
  to.faults += more.faults;
  to.claims += more.claims;
  to.simulatedMs += more.simulatedMs;
  to.bothAnsweredMs = Math.max(to.bothAnsweredMs, more.bothAnsweredMs);
}

/** The story of one seed, whether or not it breaks a promise. */
export function tell(seed: number, lines?: number): Broken | string {
  const life = new Life(seed, { tracing: true });
  try {
    life.play();
  } catch (error) {
    const promise = error instanceof BrokenPromise ? error.promise : "the simulation itself";
    const said =
      error instanceof Error ? (promise === error.name ? error.stack : error.message) : "";
    const stack = error instanceof BrokenPromise || !(error instanceof Error) ? "" : error.stack;
    const end = `${life.world.now.toFixed(1).padStart(10)}  BROKEN     ${said} ${stack ?? ""}`;
    return { seed, promise, story: `${timeline(life, lines)}\n${end}` };
  }
  return timeline(life, lines);
}

/** Plays one seed; what it broke, or null. */
export function playSeed(seed: number, coverage: Coverage, tally: Tally): Broken | null {
  const life = new Life(seed, { coverage });
  let broken = false;
  try {
    life.play();
  } catch {
    broken = true;
  }
  tally.seeds += 1;
  tally.faults += life.begun;
  tally.claims += life.watch.claims.count;
  tally.simulatedMs += life.world.now;
  tally.bothAnsweredMs = Math.max(tally.bothAnsweredMs, life.watch.answers.longestMs);
  if (!broken) return null;
  const told = tell(seed);
  if (typeof told !== "string") return told;
  return {
    seed,
    promise: "replay",
    story: "broke a promise, and kept all when it was played again",
  };
}

// out-of-turn.ts — how often this node speaks between its keepalives, whatever it hears.
import type { Millis } from "@lbpair/common";

/** Least time between two rounds of adverts because somebody was met, in milliseconds. */
export const MEET_MS_MIN = 20;
/** The same for answers to probes. */
export const ANSWER_MS_MIN = 2;

/** One reason to speak out of turn. */
export class OutOfTurn {
  private readonly msMin: number;
  private spokeAt = Number.NEGATIVE_INFINITY;

  constructor(msMin: number) {
    this.msMin = msMin;
  }

  /** Whether it may speak now; where it may, it counts as having spoken. */
  may(now: Millis): boolean {
    if (now - this.spokeAt < this.msMin) return false;
    this.spokeAt = now;
    return true;
  }
}

/** The steps of a meeting; each has a bound of its own, since they follow each other within a millisecond. */
export const meetingSteps = () => ({
  hello: new OutOfTurn(MEET_MS_MIN),
  challenge: new OutOfTurn(MEET_MS_MIN),
  met: new OutOfTurn(MEET_MS_MIN),
});

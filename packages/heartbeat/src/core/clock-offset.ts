// clock-offset.ts — how far the peer's wall clock is from ours: for people, never for decisions.
import type { Millis } from "@lbpair/common/light";

/** A better sample is kept this long before a worse one takes its place. */
const SAMPLE_MS_MAX = 180_000;
/** Samples that differ by more than their errors allow, and by this, mean that a clock was set. */
const STEP_MS_LEAST = 20;

interface Sample {
  /** The peer's wall clock less our monotonic one. */
  readonly wallLessNow: number;
  /** At most half of it can be wrong. */
  readonly tripMs: number;
  readonly at: Millis;
}

/** The sample with the shortest round trip of the last minutes wins: its error is the least. */
export class ClockOffset {
  private best: Sample | null = null;

  reset(): void {
    this.best = null;
  }

  /** An advert that says `wallMs` came `tripMs / 2` after it was sent. */
  sample(wallMs: number, tripMs: number, now: Millis): void {
    const fresh: Sample = { wallLessNow: wallMs + tripMs / 2 - now, tripMs, at: now };
    const { best } = this;
    if (best === null || tripMs <= best.tripMs || now - best.at > SAMPLE_MS_MAX) {
      this.best = fresh;
      return;
    }
    const apart = Math.abs(fresh.wallLessNow - best.wallLessNow);
    if (apart > (tripMs + best.tripMs) / 2 + STEP_MS_LEAST) this.best = fresh;
  }

  /** The peer's wall clock less ours, in milliseconds; null = not known. */
  offsetMs(ourWallMs: number, now: Millis): number | null {
    return this.best === null ? null : this.best.wallLessNow + now - ourWallMs;
  }
}

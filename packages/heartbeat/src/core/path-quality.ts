// path-quality.ts — how well a path carries adverts: what is lost on it, how long a round trip takes.
import type { Millis } from "@lbpair/common/light";

/** Rounds of adverts over which loss is counted: 26 s of keepalives by default. */
export const LOSS_ROUNDS = 128;
/** Fewer say nothing about loss. */
export const LOSS_ROUNDS_LEAST = 16;
/** A round trip longer than this is none: a clock that began anew, or nonsense. */
const ROUND_TRIP_MS_MAX = 60_000;
/** Each new sample's share of the smoothed round trip (RFC 6298 section 2). */
const SMOOTHING = 1 / 8;
/** The shortest round trip is that of the last one to two of these. */
const SHORTEST_MS = 60_000;

/**
 * Which of the peer's last rounds came on each path. All paths carry every round under one number, so
 * what came on any of them, or was skipped on all, should have come on each.
 */
export class RoundsHeard {
  private readonly marks: readonly Uint8Array[];
  private readonly counts: number[];
  private newest: number | null = null;
  /** From here on rounds are counted, by path. */
  private readonly firsts: number[];

  constructor(paths: number) {
    this.marks = Array.from({ length: paths }, () => new Uint8Array(LOSS_ROUNDS));
    this.counts = Array.from({ length: paths }, () => 0);
    this.firsts = Array.from({ length: paths }, () => 0);
  }

  /** Another run of the peer numbers anew. */
  reset(): void {
    for (const marks of this.marks) marks.fill(0);
    this.counts.fill(0);
    this.newest = null;
  }

  /** A path that was silent begins anew: its silence has been told as that, and is no loss. */
  restart(path: number, sequence: number): void {
    this.marks[path]?.fill(0);
    this.counts[path] = 0;
    this.firsts[path] = sequence;
  }

  heard(path: number, sequence: number): void {
    const ahead = this.newest === null ? LOSS_ROUNDS : sequence - this.newest;
    if (ahead <= -LOSS_ROUNDS) this.reset();
    if (this.newest === null) this.firsts.fill(sequence);
    if (this.newest === null || ahead > 0) this.moveTo(sequence, ahead);
    const marks = this.marks[path];
    const slot = sequence % LOSS_ROUNDS;
    if (marks === undefined || marks[slot] === 1 || sequence < (this.firsts[path] ?? 0)) return;
    marks[slot] = 1;
    this.counts[path] = (this.counts[path] ?? 0) + 1;
  }

  private moveTo(sequence: number, ahead: number): void {
    const from = sequence - Math.min(ahead, LOSS_ROUNDS) + 1;
    for (const [path, marks] of this.marks.entries()) {
      for (let each = from; each <= sequence; each += 1) {
        const slot = each % LOSS_ROUNDS;
        if (marks[slot] === 1) this.counts[path] = (this.counts[path] ?? 0) - 1;
        marks[slot] = 0;
      }
    }
    this.newest = sequence;
  }

  /** Of a thousand rounds; null = too few to say. The newest may still be on its way on a slower path. */
  lossPermille(path: number): number | null {
    const { newest } = this;
    const marks = this.marks[path];
    if (newest === null || marks === undefined) return null;
    const rounds = Math.min(newest - (this.firsts[path] ?? 0), LOSS_ROUNDS - 1);
    if (rounds < LOSS_ROUNDS_LEAST) return null;
    const came = (this.counts[path] ?? 0) - (marks[newest % LOSS_ROUNDS] ?? 0);
    return Math.round((1000 * (rounds - came)) / rounds);
  }
}

/** Round trips of one path, by the clock of this node alone. */
export class RoundTrip {
  /** null = not measured yet. */
  smoothedMs: number | null = null;
  private shortest = Number.POSITIVE_INFINITY;
  private shortestBefore = Number.POSITIVE_INFINITY;
  private since = Number.NEGATIVE_INFINITY;

  reset(): void {
    this.smoothedMs = null;
    this.shortest = Number.POSITIVE_INFINITY;
    this.shortestBefore = Number.POSITIVE_INFINITY;
  }

  /**
   * The peer says that it heard `ageMs` ago what this node sent at `sentUs`. Answers with the round trip;
   * null where that cannot be one.
   */
  sample(sentUs: number, ageMs: number, now: Millis): number | null {
    const tripMs = Math.max(0, now - sentUs / 1000 - ageMs);
    if (sentUs === 0 || sentUs > now * 1000 || tripMs > ROUND_TRIP_MS_MAX) return null;
    const { smoothedMs } = this;
    this.smoothedMs = smoothedMs === null ? tripMs : smoothedMs + SMOOTHING * (tripMs - smoothedMs);
    if (now - this.since >= SHORTEST_MS) {
      this.shortestBefore = this.shortest;
      this.shortest = Number.POSITIVE_INFINITY;
      this.since = now;
    }
    this.shortest = Math.min(this.shortest, tripMs);
    return tripMs;
  }

  /** The shortest of the last minute or two; null = not measured yet. */
  get shortestMs(): number | null {
    const shortest = Math.min(this.shortest, this.shortestBefore);
    return Number.isFinite(shortest) ? shortest : null;
  }
}

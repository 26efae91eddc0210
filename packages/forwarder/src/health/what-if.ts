// what-if.ts — the recorded results of a server, judged by another rhythm: when it would have been unhealthy.
//
// Between two recorded results the earlier one is taken to have held. A check more often than was
// recorded therefore shows how soon it counts, not what happened in between, which nobody saw.
import type { Episode, Replay, Rhythm } from "@lbpair/common";
import type { ResultRun } from "./result-runs.js";

/** Episodes told one by one. */
export const EPISODES_MAX = 50;
/** Share of an interval by which recorded starts may be early, or late: timers are not exact. */
const EARLY = 0.1;

interface State {
  readonly unhealthySince: number | null;
  /** First failure of those that turned it. */
  readonly firstFailure: number | null;
  readonly count: number;
}

/** How often the results of a run came; what its last result covers. */
const spacing = ({ from, to, count }: ResultRun, fallback: number): number =>
  count > 1 ? (to - from) / (count - 1) : fallback;

class Player {
  readonly #rhythm: Rhythm;
  #state: State = { unhealthySince: null, firstFailure: null, count: 0 };
  #next = Number.NEGATIVE_INFINITY;
  checks = 0;
  readonly episodes: Episode[] = [];

  constructor(rhythm: Rhythm) {
    this.#rhythm = rhythm;
  }

  /**
   * All checks that start while one result holds: until `end`, where other results may follow. `recorded` =
   * how far apart its results are: whoever checks as often checks just then, whatever moved the timetable.
   */
  play({ passed, from, to }: ResultRun, end: number, followed: boolean, recorded: number): void {
    const { interval, failingInterval } = this.#rhythm;
    const step = passed ? interval : (failingInterval ?? interval);
    const early = step * EARLY;
    // After a gap the timetable begins anew; a check that came a little early is no other check.
    const anew = this.#next < from + early || step <= recorded * (1 + EARLY);
    const first = anew ? from : this.#next;
    if (first >= end) return;
    // One that is due just before other results follow is the first of those; the last recorded one took place.
    const until = Math.ceil((end - first - (followed ? early : 0)) / step);
    const count = Math.max(1, until, Math.floor((to - first + early) / step) + 1);
    this.#take(passed, first, step, count);
    this.checks += count;
    this.#next = first + count * step;
  }

  #take(passed: boolean, first: number, step: number, count: number): void {
    const { failures, successes } = this.#rhythm;
    const { unhealthySince } = this.#state;
    const unhealthy = unhealthySince !== null;
    if (passed !== unhealthy) {
      // The verdict is confirmed: whatever counted against it is forgotten.
      this.#state = { ...this.#state, count: 0, ...(unhealthy ? {} : { firstFailure: null }) };
      return;
    }
    const needed = unhealthy ? successes : failures;
    const missing = needed - this.#state.count;
    const firstFailure = unhealthy ? null : (this.#state.firstFailure ?? first);
    if (count < missing) {
      this.#state = { unhealthySince, firstFailure, count: this.#state.count + count };
      return;
    }
    const turnedAt = first + (missing - 1) * step;
    if (unhealthySince === null) {
      this.episodes.push({
        from: turnedAt,
        to: null,
        noticedMs: turnedAt - (firstFailure ?? turnedAt),
      });
      this.#state = { unhealthySince: turnedAt, firstFailure: null, count: 0 };
      return;
    }
    const episode = this.episodes.at(-1);
    if (episode !== undefined)
      this.episodes[this.episodes.length - 1] = { ...episode, to: turnedAt };
    this.#state = { unhealthySince: null, firstFailure: null, count: 0 };
  }
}

/** The server counts as healthy at the beginning: what went before is not known. */
export function replay(
  runs: readonly ResultRun[],
  rhythm: Rhythm,
  recordedInterval: number,
  now: number,
): Replay {
  const player = new Player(rhythm);
  runs.forEach((run, index) => {
    const apart = spacing(run, recordedInterval);
    const covered = run.to + apart;
    const following = runs[index + 1];
    const next = following?.from ?? now;
    const end = Math.min(Math.max(covered, run.to + 1), Math.max(next, run.to + 1));
    player.play(run, end, following !== undefined && end === next, apart);
  });
  const { checks, episodes } = player;
  const unhealthyMs = episodes.reduce((sum, { from, to }) => sum + (to ?? now) - from, 0);
  const noticedMsMax = Math.max(0, ...episodes.map(({ noticedMs }) => noticedMs));
  return {
    rhythm,
    checks,
    times: episodes.length,
    unhealthyMs,
    noticedMsMax,
    episodes: episodes.slice(-EPISODES_MAX),
  };
}

// result-runs.ts — what the checks of the last day found, as runs of equal results: small, and enough to play again.
import type { Rhythm } from "@lbpair/common";

/** Consecutive results that are equal. Times are wall time in milliseconds: they outlive the daemon. */
export interface ResultRun {
  readonly passed: boolean;
  /** Of its first result's start. */
  readonly from: number;
  /** Of its last one's. */
  readonly to: number;
  readonly count: number;
}

/** How far back is kept. */
export const RESULTS_MS_MAX = 24 * 3_600_000;
/** Runs of one server: one that changes its mind at every check of 5 s for three hours. */
export const RUNS_PER_SERVER_MAX = 2000;
/** Runs of all servers together; the longest lists lose their oldest half first. */
export const RUNS_MAX = 100_000;
/** No result for so many intervals: the daemon was away, or nothing was asked. */
const GAP_INTERVALS = 3;

export class ResultRuns {
  readonly #runs = new Map<string, ResultRun[]>();
  #total = 0;

  add(id: string, passed: boolean, at: number, { interval }: Pick<Rhythm, "interval">): void {
    const runs = this.#runs.get(id) ?? [];
    const last = runs.at(-1);
    const goesOn =
      last?.passed === passed && at >= last.to && at - last.to <= interval * GAP_INTERVALS;
    if (last !== undefined && goesOn) {
      runs[runs.length - 1] = { ...last, to: at, count: last.count + 1 };
      return;
    }
    runs.push({ passed, from: at, to: at, count: 1 });
    this.#total += 1;
    this.#runs.set(id, runs);
    this.#drop(runs, Math.max(0, runs.length - RUNS_PER_SERVER_MAX));
    if (this.#total > RUNS_MAX) this.#halveLongest();
    const old = runs.findIndex(({ to }) => to >= at - RESULTS_MS_MAX);
    this.#drop(runs, old);
  }

  #drop(runs: ResultRun[], count: number): void {
    if (count <= 0) return;
    runs.splice(0, count);
    this.#total -= count;
  }

  #halveLongest(): void {
    let longest: ResultRun[] = [];
    for (const runs of this.#runs.values()) if (runs.length > longest.length) longest = runs;
    this.#drop(longest, Math.ceil(longest.length / 2));
  }

  /** Of the last day, oldest first. */
  of(id: string, now: number): readonly ResultRun[] {
    return (this.#runs.get(id) ?? []).filter(({ to }) => to >= now - RESULTS_MS_MAX);
  }

  /** Servers that are no longer checked are forgotten. */
  keep(ids: ReadonlySet<string>): void {
    for (const [id, runs] of this.#runs) {
      if (ids.has(id)) continue;
      this.#total -= runs.length;
      this.#runs.delete(id);
    }
  }

  /** For the disk: by server, each run as passed, from, milliseconds, count. */
  encode(): string {
    const servers = [...this.#runs].map(([id, runs]) => [
      id,
      runs.map(({ passed, from, to, count }) => [passed ? 1 : 0, from, to - from, count]),
    ]);
    return JSON.stringify({ version: 1, servers: Object.fromEntries(servers) });
  }

  /** What `encode` wrote; what is not understood is left out, since nothing depends on it. */
  static decode(text: string, now: number): ResultRuns {
    const made = new ResultRuns();
    let servers: unknown;
    try {
      ({ servers } = JSON.parse(text) as { readonly servers?: unknown });
    } catch {
      return made;
    }
    if (typeof servers !== "object" || servers === null) return made;
    for (const [id, list] of Object.entries(servers)) {
      const runs = (Array.isArray(list) ? list : []).flatMap((raw: unknown) => readRun(raw, now));
      if (runs.length === 0) continue;
      const kept = runs.slice(-RUNS_PER_SERVER_MAX);
      made.#runs.set(id, kept);
      made.#total += kept.length;
    }
    while (made.#total > RUNS_MAX) made.#halveLongest();
    return made;
  }
}

function readRun(raw: unknown, now: number): ResultRun[] {
  if (!Array.isArray(raw) || raw.length !== 4) return [];
  const [passed, from, lasted, count] = raw.map(Number);
  if (![from, lasted, count].every((each) => Number.isSafeInteger(each))) return [];
  const run = {
    passed: passed === 1,
    from: from ?? 0,
    to: (from ?? 0) + (lasted ?? 0),
    count: count ?? 0,
  };
  // A clock that was ahead left results of the future.
  return run.to > now || run.to < now - RESULTS_MS_MAX || run.count < 1 ? [] : [run];
}

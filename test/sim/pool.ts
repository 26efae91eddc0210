// pool.ts — many seeds over several worker processes, a share at a time, with everything added up.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Coverage } from "./coverage.js";
import { addTally, type Broken, emptyTally, playSeed, type Tally } from "./play.js";

/** Seeds that a worker is given at a time, at most; and into how many shares for each a short run is cut. */
const SHARE = 500;
const SHARES = 8;
/** Most of what a life makes dies young: more room for it saves a seventh of the time. Other cores have lives of their own. */
const WORKER_FLAGS = ["--max-semi-space-size=32", "--single-threaded-gc"];

export interface Share {
  readonly from: number;
  readonly seeds: number;
}

export interface Result {
  readonly tally: Tally;
  readonly counts: readonly number[];
  readonly broken: readonly Broken[];
}

export interface Pool {
  readonly tally: Tally;
  readonly coverage: Coverage;
  readonly broken: Broken[];
}

export interface PoolOptions {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  /** So many broken seeds end the run. */
  readonly brokenMax: number;
  /** After this long nothing more is begun. */
  readonly limitMs: number;
  readonly onProgress: (pool: Pool) => void;
}

export function playShare({ from, seeds }: Share): Result {
  const tally = emptyTally();
  const coverage = new Coverage();
  const broken: Broken[] = [];
  for (let seed = from; seed < from + seeds; seed += 1) {
    const one = playSeed(seed, coverage, tally);
    if (one !== null) broken.push(one);
  }
  return { tally, counts: coverage.counts, broken };
}

/** Plays all seeds; resolves when all are played, or enough is broken, or the time is over. */
export async function playAll(options: PoolOptions): Promise<Pool> {
  const pool: Pool = { tally: emptyTally(), coverage: new Coverage(), broken: [] };
  const startedAt = performance.now();
  const end = options.from + options.seeds;
  const size = Math.min(SHARE, Math.ceil(options.seeds / (SHARES * options.jobs)));
  let next = options.from;
  const share = (): Share | null => {
    const over = performance.now() - startedAt > options.limitMs;
    if (next >= end || over || pool.broken.length >= options.brokenMax) return null;
    const from = next;
    next = Math.min(end, from + size);
    return { from, seeds: next - from };
  };
  const worker = () =>
    new Promise<void>((resolve, reject) => {
      const child = fork(fileURLToPath(new URL("worker-main.js", import.meta.url)), {
        execArgv: WORKER_FLAGS,
      });
      const give = () => {
        const given = share();
        if (given === null) child.disconnect();
        else child.send(given);
      };
      child.on("message", (result: Result) => {
        addTally(pool.tally, result.tally);
        pool.coverage.add(result.counts);
        pool.broken.push(...result.broken);
        options.onProgress(pool);
        give();
      });
      child.on("error", reject);
      child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`a worker: ${code}`))));
      give();
    });
  await Promise.all(Array.from({ length: options.jobs }, worker));
  pool.broken.sort((a, b) => a.seed - b.seed);
  return pool;
}

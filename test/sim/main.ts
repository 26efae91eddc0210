// main.ts — npm run sim: plays seeds of the simulated pair, or tells the story of one.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type Broken, tell } from "./play.js";
import { playAll } from "./pool.js";
import { brokenText, replayCommand, summary } from "./report.js";

const STORIES = 3;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    lines: { type: "string", default: "60" },
    jobs: { type: "string", default: String(Math.min(2, availableParallelism())) },
    broken: { type: "string", default: "20" },
    covered: { type: "string", default: "0" },
    table: { type: "boolean", default: false },
  },
});

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`--${name}: want a whole number, got ${JSON.stringify(text)}\n`);
  process.exit(2);
}

async function many(): Promise<number> {
  const seeds = whole("seeds", values.seeds);
  const startedAt = performance.now();
  let shownAt = 0;
  let brokenShown = 0;
  const pool = await playAll({
    from: whole("from", values.from),
    seeds,
    jobs: Math.max(1, whole("jobs", values.jobs)),
    brokenMax: whole("broken", values.broken),
    limitMs: Number.POSITIVE_INFINITY,
    onProgress: ({ tally, broken }) => {
      for (; brokenShown < broken.length; brokenShown += 1) {
        const { seed, promise } = broken[brokenShown] as Broken;
        process.stderr.write(`seed ${seed} broke ${promise}: ${replayCommand(seed)}\n`);
      }
      const now = performance.now();
      if (now - shownAt < 5000) return;
      shownAt = now;
      const rate = (tally.seeds * 1000) / (now - startedAt);
      process.stderr.write(
        `${tally.seeds} of ${seeds} seeds, ${rate.toFixed(0)} a second, ${broken.length} broken\n`,
      );
    },
  });
  const least = whole("covered", values.covered);
  console.log(brokenText(pool, STORIES));
  if (values.table || seeds >= 100_000) console.log(pool.coverage.table());
  console.log(summary(pool, performance.now() - startedAt, least));
  const covered = least === 0 || pool.coverage.below(least).length === 0;
  return pool.broken.length === 0 && covered ? 0 : 1;
}

function one(seed: number): number {
  const told = tell(seed, whole("lines", values.lines));
  console.log(typeof told === "string" ? told : told.story);
  console.log(
    typeof told === "string" ? "no promise broken" : `replays with: ${replayCommand(seed)}`,
  );
  return typeof told === "string" ? 0 : 1;
}

process.exitCode = values.seed === undefined ? await many() : one(whole("seed", values.seed));

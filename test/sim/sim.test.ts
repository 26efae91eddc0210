// sim.test.ts — the simulated pair keeps its promises, and replays to the event.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Life } from "./life.js";
import { playAll } from "./pool.js";
import { brokenText, summary } from "./report.js";

/** So many lives on each run of the tests; the long run is `npm run sim -- --seeds 1000000`. */
const SEEDS = Number(process.env.LBPAIR_SIM_SEEDS ?? 20_000);
const LIMIT_MS = 400_000;

test("a pair keeps every promise through all seeds", async () => {
  const startedAt = performance.now();
  const pool = await playAll({
    from: 1,
    seeds: SEEDS,
    jobs: 2,
    brokenMax: 3,
    limitMs: LIMIT_MS,
    onProgress: () => undefined,
  });
  console.log(summary(pool, performance.now() - startedAt, 1));
  assert.equal(brokenText(pool, 3), "");
  assert.equal(pool.tally.seeds, SEEDS, "all seeds were played in time");
});

test("a seed lives for a minute at least with five faults at least, and twice the same", () => {
  const told = [1, 2, 3, 4, 5].map((seed) => {
    const lives = [0, 1].map(() => {
      const life = new Life(seed, { tracing: true });
      life.play();
      assert.ok(life.begun >= 5 && life.world.now >= 60_000, `seed ${seed}`);
      return JSON.stringify(life.world.trace);
    });
    assert.equal(lives[0], lives[1]);
    return lives[0]?.length;
  });
  console.log(`${told.join(", ")} letters`);
});

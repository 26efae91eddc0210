// figures.test.ts — Make Active and a pulled plug cost clients no more than promised.
// runs alone: its figures are those of the product, and nothing else may slow it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parseDuration } from "@lbpair/common";
import type { World } from "@lbpair/lab";
import {
  MAKE_ACTIVE_MS,
  measureFailover,
  median,
  medianOutageMs,
  seriesTable,
  TAKE_OVER_MS,
} from "./failover-figures.js";
import { createReadyPair, REPEATS, skip } from "./ready-pair.js";

/** Times are asserted with fivefold slack: other work may share the machine. */
const SLACK = 5;

let world: World;
before(async () => {
  if (skip === false) world = await createReadyPair();
});
after(() => world?.destroy());

test("a median lies in the middle, of even and of odd counts", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test("Make Active and a pulled plug cost clients no more than promised", { skip }, async () => {
  const all = await measureFailover(world, Math.max(2, REPEATS));
  console.log(seriesTable(all));
  const [floor, handOver, takeOver] = all;
  assert.ok(floor !== undefined && handOver !== undefined && takeOver !== undefined);
  const floorMs = Math.max(...floor.runs.map((run) => run.datagrams.outageMs));
  const deadtimeMs = parseDuration(world.settings.timings.deadtime) ?? 0;
  assert.ok(medianOutageMs(handOver) <= MAKE_ACTIVE_MS * SLACK + floorMs);
  assert.ok(medianOutageMs(takeOver) <= deadtimeMs + TAKE_OVER_MS * SLACK + floorMs);
  for (const { what, runs } of all) {
    for (const { open } of runs) assert.deepEqual(open.reasons, {}, what);
  }
});

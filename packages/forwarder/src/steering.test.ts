// steering.test.ts — promises of steering.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chooseWay, dealTurns } from "./slots.js";
import { steer } from "./steering.js";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const loads = fc.array(
  fc.record({ weight: fc.integer({ min: 1, max: 1000 }), open: fc.integer({ min: 0, max: 5000 }) }),
  { minLength: 2, maxLength: 8 },
);

test("nobody gets nothing, and who lacks more to its share gets no less", () => {
  console.log(`seed ${seed}`);
  fc.assert(
    fc.property(loads, (list) => {
      const weights = steer(list);
      assert.ok(weights.every((weight) => weight >= 1 && Number.isInteger(weight)));
      const total = list.reduce((sum, each) => sum + each.weight, 0);
      const open = list.reduce((sum, each) => sum + each.open, 0);
      const lack = list.map(
        (each) => (each.weight / total) * (open + Math.max(open / 10, list.length)) - each.open,
      );
      lack.forEach((a, i) => {
        lack.forEach((b, j) => {
          if (a >= b) assert.ok((weights[i] ?? 0) >= (weights[j] ?? 0));
        });
      });
    }),
    { seed, numRuns: 300 },
  );
});

test("servers whose connections last unequally long come to their shares all the same", () => {
  // Those of the first last ten times as long: in plain turns it would hold ten times as many.
  const weights = [100, 100, 200];
  const lives = [1000, 100, 100];
  const { size } = chooseWay("turn", weights);
  const ends: number[][] = [[], [], []];
  let turn = 0;
  let table = dealTurns(weights, size);
  for (let second = 0; second < 3000; second += 1) {
    ends.forEach((list, index) => {
      ends[index] = list.filter((end) => end > second);
    });
    const open = ends.map((list) => list.length);
    table = dealTurns(
      steer(weights.map((weight, index) => ({ weight, open: open[index] ?? 0 }))),
      size,
    );
    for (let k = 0; k < 5; k += 1) {
      const server = table[turn % size] ?? 0;
      turn += 1;
      ends[server]?.push(second + (lives[server] ?? 0));
    }
  }
  const open = ends.map((list) => list.length);
  const all = open.reduce((a, b) => a + b, 0);
  console.log(`seen: ${open.join(", ")} open connections at weights ${weights.join(", ")}`);
  weights.forEach((weight, index) => {
    assert.ok(Math.abs((open[index] ?? 0) / all - weight / 400) < 0.05);
  });
});

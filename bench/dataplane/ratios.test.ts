// ratios.test.ts — promises of ratios.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ratioOf, ratioText } from "./ratios.js";

test("what slows a whole round slows no ratio", () => {
  const others = [100, 50, 200, 80];
  const ratio = ratioOf(
    others.map((value) => value * 0.9),
    others,
  );
  assert.equal(ratio && ratioText(ratio), "0.900 (0.900-0.900)");
});

test("the interval is that of Student's t of the logarithms", () => {
  // Logarithms ±d around 0: standard deviation d·√(4/3), half width t(3)·d·√(4/3)/2.
  const d = 0.1;
  const ratio = ratioOf([Math.exp(d), Math.exp(-d), Math.exp(d), Math.exp(-d)], [1, 1, 1, 1]);
  const half = (3.182 * d * Math.sqrt(4 / 3)) / 2;
  assert.ok(ratio !== undefined && Math.abs(Math.log(ratio.high) - half) < 1e-9);
  assert.ok(Math.abs(Math.log(ratio.low) + half) < 1e-9);
});

test("one round says nothing of the spread", () => {
  assert.equal(ratioOf([1], [1]), undefined);
});

// match.test.ts — operators' regular expressions, bounded, with the daemon going on meanwhile.
import assert from "node:assert/strict";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { test } from "node:test";
import { findPattern, PATTERN_HERE_MS_MAX, PATTERN_MS_MAX } from "./match.js";
import { PATTERNS_WAITING_MAX } from "./pattern-thread.js";

const ENDLESS = "^(a+)+$";
const TEXT = `${"a".repeat(60)}b`;

test("an ordinary pattern answers on the spot, over a whole body too", async (t) => {
  assert.equal(await findPattern("a.b", "a\nb"), true);
  assert.equal(await findPattern("a.b", "ab"), false);
  const body = `${"x".repeat(250_000)}"state": "ready"`;
  const started = performance.now();
  const pattern = '"state":\\s*"(ready|busy)"';
  assert.equal(await findPattern(pattern, body), true);
  t.diagnostic(`250 kB: ${(performance.now() - started).toFixed(2)} ms`);
});

test("a pattern that backtracks without end fails after its bound, and holds nobody up meanwhile", async (t) => {
  // The thread starts once.
  await findPattern(ENDLESS, TEXT);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: 5 }, () => findPattern(ENDLESS, TEXT)));
  const tookMs = performance.now() - started;
  delay.disable();
  t.diagnostic(
    `5 endless patterns: ${Math.round(tookMs)} ms, longest hold ${(delay.max / 1e6).toFixed(1)} ms`,
  );
  assert.deepEqual(new Set(answers), new Set(["too-slow"]));
  assert.ok(tookMs >= 5 * PATTERN_MS_MAX * 0.9, "they are asked one after the other");
  // Five of them here would have held everything for five times the bound.
  assert.ok(delay.mean / 1e6 < 10);
});

test("the first time it is met it holds everybody for its first bound only", async (t) => {
  const started = performance.now();
  const found = findPattern("^(a*)*$", TEXT);
  const heldMs = performance.now() - started;
  t.diagnostic(`held ${heldMs.toFixed(1)} ms, bound ${PATTERN_HERE_MS_MAX} ms`);
  assert.ok(found instanceof Promise);
  assert.ok(heldMs < PATTERN_MS_MAX);
  assert.equal(await found, "too-slow");
});

test("too many that wait are given up at once", async () => {
  const more = PATTERNS_WAITING_MAX + 5;
  const all = Array.from({ length: more }, () => findPattern(ENDLESS, "aaa"));
  const found = await Promise.all(all);
  assert.equal(found.filter((one) => one === true).length, PATTERNS_WAITING_MAX);
  assert.equal(found.filter((one) => one === "too-slow").length, 5);
});

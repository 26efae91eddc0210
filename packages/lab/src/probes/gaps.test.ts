import assert from "node:assert/strict";
import { test } from "node:test";
import { createGapRecorder, spansWithoutSuccess } from "./gaps.js";

test("the longest silence counts, the one at the end included", () => {
  const recorder = createGapRecorder(0, 25);
  for (const at of [10, 20, 60, 70]) recorder.answered(at);
  assert.deepEqual(recorder.finish(100), {
    longestMs: 40,
    gaps: [
      { fromMs: 20, toMs: 60 },
      { fromMs: 70, toMs: 100 },
    ],
  });
});

test("a silence one millisecond below the threshold is not listed", () => {
  const recorder = createGapRecorder(0, 25);
  recorder.answered(24);
  recorder.answered(49);
  assert.deepEqual(recorder.finish(50).gaps, [{ fromMs: 24, toMs: 49 }]);
});

const attempt = (startedMs: number, tookMs: number | undefined) => ({ startedMs, tookMs });

test("slow and failed attempts side by side are one span, up to the next prompt one", () => {
  const attempts = [
    attempt(0, 2),
    attempt(5, undefined),
    attempt(10, 1030),
    attempt(15, 2),
    attempt(20, 201),
    attempt(25, 200),
  ];
  assert.deepEqual(spansWithoutSuccess(attempts, 200, 30), [
    { fromMs: 5, toMs: 15, attempts: 2 },
    { fromMs: 20, toMs: 25, attempts: 1 },
  ]);
});

test("a span that never ended ends with the measurement", () => {
  assert.deepEqual(spansWithoutSuccess([attempt(0, 1), attempt(5, undefined)], 200, 300), [
    { fromMs: 5, toMs: 300, attempts: 1 },
  ]);
});

test("attempts that all succeed leave no span", () => {
  assert.deepEqual(spansWithoutSuccess([attempt(0, 1), attempt(5, 1)], 200, 300), []);
});

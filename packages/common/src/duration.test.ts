// duration.test.ts — lengths of time are exact, and what is none is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DURATION_MS_MAX, describeDuration, formatDuration, parseDuration } from "./duration.js";

test("a duration is read in ms, s, m and h, with up to three decimals", () => {
  const cases = {
    "200ms": 200,
    "1s": 1000,
    "1.5s": 1500,
    "1.001s": 1001,
    "5m": 300_000,
    "2h": 7.2e6,
  };
  for (const [text, value] of Object.entries(cases)) assert.equal(parseDuration(text), value, text);
});

test("what is no duration is refused, not guessed", () => {
  const bad = [
    "",
    "1",
    "1 s",
    "-1s",
    "1.5ms",
    "1e3ms",
    "1S",
    "1.2345s",
    "٣s",
    "1s ",
    "9999999999s",
  ];
  for (const text of bad) assert.equal(parseDuration(text), undefined, JSON.stringify(text));
});

test("one week is the longest, and one millisecond more is refused", () => {
  assert.equal(parseDuration(`${DURATION_MS_MAX}ms`), DURATION_MS_MAX);
  assert.equal(parseDuration(`${DURATION_MS_MAX + 1}ms`), undefined);
});

test("every whole number of milliseconds survives being written and read, also as seconds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: DURATION_MS_MAX }), (value) => {
      assert.equal(parseDuration(formatDuration(value)), value);
      assert.equal(parseDuration(`${(value / 1000).toFixed(3)}s`), value);
    }),
  );
});

test("a duration is shown to people in the unit they would say", () => {
  const shown = [420, 4200, 12_000, 180_000, 7_500_000, 200_000_000].map(describeDuration);
  assert.deepEqual(shown, ["420 ms", "4.2 s", "12 s", "3 min", "2 h 05 min", "2 d"]);
});

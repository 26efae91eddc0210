// mode-times.test.ts — what people type for the end of a mode.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLength, parseUntil } from "./mode-times.js";

test("a length is a duration of files, or days", () => {
  assert.equal(parseLength("2h"), 7_200_000);
  assert.equal(parseLength("3d"), 259_200_000);
  for (const wrong of ["0s", "2", "d", "-1h", "2 h"]) assert.equal(parseLength(wrong), undefined);
});

test("a time of day is the next one, a date is itself, and what is no time is refused", () => {
  const noon = new Date(2026, 10, 30, 12, 0, 0).getTime();
  const local = (...parts: [number, number, number, number, number]) =>
    `${new Date(...parts).toISOString().slice(0, 19)}Z`;
  assert.equal(parseUntil("18:00", noon), local(2026, 10, 30, 18, 0));
  assert.equal(parseUntil("06:30", noon), local(2026, 11, 1, 6, 30));
  assert.equal(parseUntil("12:00", noon), local(2026, 11, 1, 12, 0));
  assert.equal(parseUntil("2026-12-24 06:00", noon), local(2026, 11, 24, 6, 0));
  assert.equal(parseUntil("2026-12-24T05:00:00Z", noon), "2026-12-24T05:00:00Z");
  for (const wrong of ["25:00", "12:60", "2026-02-30 10:00", "tomorrow", ""]) {
    assert.equal(parseUntil(wrong, noon), undefined, wrong);
  }
});

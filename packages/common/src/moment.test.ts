// moment.test.ts — points in time as files have them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMoment, parseMoment } from "./moment.js";

test("a moment is read as it was written, and what is none is refused", () => {
  const text = "2026-11-30T18:00:00Z";
  assert.equal(formatMoment(parseMoment(text) ?? 0), text);
  assert.equal(formatMoment(Date.UTC(2026, 1, 3, 4, 5, 6, 789)), "2026-02-03T04:05:06Z");
  for (const wrong of ["2026-02-30T00:00:00Z", "2026-11-30 18:00", "2026-11-30T18:00:00+01:00", ""])
    assert.equal(parseMoment(wrong), undefined, wrong);
});

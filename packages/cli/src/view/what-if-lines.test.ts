// what-if-lines.test.ts — recorded results as a person compares them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { WhatIfAnswer } from "@lbpair/common";
import { UNICODE_GLYPHS } from "../render/glyphs.js";
import { plainText } from "../render/text.js";
import { assertGolden } from "./golden.js";
import { whatIfLines } from "./what-if-lines.js";

const NOW = new Date(2026, 10, 30, 18, 0, 0).getTime();
const HOUR = 3_600_000;
const rhythm = { interval: 30_000, failingInterval: null, failures: 10, successes: 1 };

const answer: WhatIfAnswer = {
  id: "VNA/PrimaryCluster",
  recordedFrom: NOW - 24 * HOUR + 120_000,
  results: 2874,
  failed: 34,
  present: {
    rhythm,
    checks: 2874,
    times: 1,
    unhealthyMs: 720_000,
    noticedMsMax: 270_000,
    episodes: [{ from: NOW - 5 * HOUR, to: NOW - 5 * HOUR + 720_000, noticedMs: 270_000 }],
  },
  proposed: {
    rhythm: { interval: 5000, failingInterval: 2000, failures: 3, successes: 2 },
    checks: 17_244,
    times: 7,
    unhealthyMs: 1_500_000,
    noticedMsMax: 4000,
    episodes: [1, 2, 3, 4, 5, 6].map((hours) => ({
      from: NOW - (8 - hours) * HOUR,
      to: hours === 6 ? null : NOW - (8 - hours) * HOUR + 90_000,
      noticedMs: 4000,
    })),
  },
};
const nothing = { ...answer, id: "VNA/fallback", recordedFrom: null, results: 0, failed: 0 };

test("both rhythms stand side by side, with the times that would have been", () => {
  const view = { glyphs: UNICODE_GLYPHS, columns: 100, now: NOW };
  assert.ok(whatIfLines([answer], { ...view, columns: 60 }).every((line) => line.length > 0));
  assertGolden("what-if/compared.txt", plainText(whatIfLines([answer, nothing], view)));
});

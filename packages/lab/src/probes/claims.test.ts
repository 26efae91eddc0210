import assert from "node:assert/strict";
import { test } from "node:test";
import { type Claim, claimRuns, overlaps, unanswered } from "./claims.js";

const A = "02:00:00:00:f0:01";
const B = "02:00:00:00:f0:02";
const claims = (mac: string, ...at: number[]): Claim[] =>
  at.map((atMs) => ({ atMs, mac, kind: "answer" }));
const every5 = (from: number, to: number): number[] =>
  Array.from({ length: (to - from) / 5 + 1 }, (_, i) => from + i * 5);

test("an address that moves without overlap has two claimants at no instant", () => {
  const runs = claimRuns([...claims(A, ...every5(0, 500)), ...claims(B, ...every5(505, 900))], 50);
  assert.deepEqual(
    runs.map(({ mac, fromMs, toMs }) => [mac, fromMs, toMs]),
    [
      [A, 0, 500],
      [B, 505, 900],
    ],
  );
  assert.deepEqual(overlaps(runs), []);
});

test("a single late claim of the old holder is seen", () => {
  const runs = claimRuns([...claims(A, 0, 5, 10, 300), ...claims(B, ...every5(200, 400))], 50);
  assert.deepEqual(overlaps(runs), [{ fromMs: 300, toMs: 300, macs: [B, A] }]);
});

test("two that answer in turns overlap for as long as both do", () => {
  const runs = claimRuns([...claims(A, ...every5(0, 100)), ...claims(B, ...every5(51, 200))], 50);
  assert.deepEqual(overlaps(runs), [{ fromMs: 51, toMs: 100, macs: [A, B] }]);
});

test("a pause of exactly the allowed length does not end a run, one millisecond more does", () => {
  assert.equal(claimRuns(claims(A, 0, 50), 50).length, 1);
  assert.equal(claimRuns(claims(A, 0, 51), 50).length, 2);
});

test("questions without an answer are a silence, up to the one that is answered", () => {
  assert.deepEqual(unanswered([0, 5, 10, 15, 20], claims(A, 1, 6, 11, 16, 21)), []);
  assert.deepEqual(unanswered([0, 5, 10, 15, 20], claims(A, 1, 16, 21)), [{ fromMs: 5, toMs: 15 }]);
  assert.deepEqual(unanswered([0, 5, 10, 15, 20], claims(A, 1, 6)), [{ fromMs: 10, toMs: 20 }]);
});

test("a watcher that stood still has seen no silence", () => {
  assert.deepEqual(unanswered([0, 5, 90, 95], claims(A, 1, 6, 91, 96)), []);
  // Its last question before was answered meanwhile, and read before the next one was asked.
  assert.deepEqual(unanswered([0, 5, 90, 95], claims(A, 1, 89, 91, 96)), []);
});

// timing-calculator.test.ts — the worst cases of the reference deployment, as its requirements state them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { timingTable } from "./timing-calculator.js";

const TIMING = { keepalive: 200, deadtime: 1000, initdead: 31_000, lease: 800 };
const CHECK = { type: "external", interval: 30_000, timeout: 10_000, failures: 10, successes: 1 };

const rowOf = (event: string) => {
  const row = timingTable(TIMING, [{ label: "VNA", check: CHECK }]).find(
    (one) => one.event === event,
  );
  assert(row !== undefined, event);
  return row;
};

test("a dead node is replaced within deadtime + 100 ms", () => {
  assert.deepEqual(rowOf("node-failure").detection, { bestMs: 800, worstMs: 1000 });
  assert.equal(rowOf("node-failure").worstMs, 1100);
  assert.equal(rowOf("freeze").worstMs, 1100);
});

test("a dead server is left after 270 s to 300 s + one timeout", () => {
  assert.deepEqual(rowOf("service-failure").detection, { bestMs: 270_000, worstMs: 310_000 });
});

test("a planned switch needs no detection", () => {
  assert.equal(rowOf("planned").worstMs, 25);
});

test("a service that is never checked has no rows", () => {
  assert.equal(
    timingTable(TIMING, [{ label: "A", check: { type: "on" } }]).some((row) => row.service === "A"),
    false,
  );
});

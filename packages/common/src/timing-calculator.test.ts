// timing-calculator.test.ts — worst cases add up from the configuration.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TAKE_OVER_MS_MAX, timingTable } from "./timing-calculator.js";

const timing = { keepalive: 200, deadtime: 1000, initdead: 31_000, lease: 800 };
const external = {
  type: "external",
  interval: 30_000,
  timeout: 10_000,
  failures: 10,
  successes: 1,
};

test("a dead node is replaced within deadtime and the time of a take over", () => {
  const row = timingTable(timing, []).find((each) => each.event === "node-failure");
  assert.deepEqual(row?.detection, { bestMs: 800, worstMs: 1000 });
  assert.equal(row?.worstMs, 1000 + TAKE_OVER_MS_MAX);
});

test("the reference check turns after 270 s at best and 300 s and one timeout at worst", () => {
  const row = timingTable(timing, [{ label: "VNA", check: external }]).find(
    (each) => each.event === "service-failure",
  );
  assert.deepEqual(row?.detection, { bestMs: 270_000, worstMs: 310_000 });
  assert.equal(row?.service, "VNA");
});

test("a service without checks has no rows of its own, and every row says what clients see", () => {
  const rows = timingTable(timing, [{ label: "VNA", check: { type: "on" } }]);
  assert.ok(rows.every((row) => row.service === undefined && row.clients !== ""));
});

// timing-calculator.test.ts — the worst cases of the reference deployment, as its requirements state them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { leaseMarginMs, silenceToClaim, timingTable } from "./timing-calculator.js";

const TIMING = {
  keepalive: 200,
  warntime: 500,
  deadtime: 1000,
  initdead: 31_000,
  lease: 800,
  loneLease: 30_000,
  healthDamping: 1000,
  pingNodes: [],
  virtualMac: false,
};
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

test("a lease that ends after deadtime is waited for, with its margin", () => {
  assert.equal(silenceToClaim({ deadtime: 1000, lease: 800 }), 1000);
  assert.equal(silenceToClaim({ deadtime: 1000, lease: 950 }), 1000);
  assert.equal(silenceToClaim({ deadtime: 1000, lease: 951 }), 1001);
  assert.equal(silenceToClaim({ deadtime: 100, lease: 96 }), 106);
  assert.deepEqual([20, 100, 300, 2000].map(leaseMarginMs), [5, 10, 30, 50]);
});

test("worse health moves the role after its damping, and a lost ping node has to be found out first", () => {
  assert.deepEqual(rowOf("health").detection, { bestMs: 1000, worstMs: 1400 });
  const pinging = timingTable({ ...TIMING, pingNodes: ["192.168.200.254"] }, []);
  const row = pinging.find(({ event }) => event === "ping-lost");
  assert.deepEqual(row?.detection, { bestMs: 4400, worstMs: 5600 });
  assert.equal(
    timingTable(TIMING, []).some(({ event }) => event === "ping-lost"),
    false,
  );
});

test("with an interval of its own for failing checks a dead server is left sooner", () => {
  const check = { ...CHECK, failingInterval: 12_000 };
  const rows = timingTable(TIMING, [{ label: "VNA", check }]);
  const detection = (event: string) => rows.find((row) => row.event === event)?.detection;
  assert.deepEqual(detection("service-failure"), { bestMs: 108_000, worstMs: 148_000 });
  assert.deepEqual(detection("return"), { bestMs: 0, worstMs: 22_000 });
});

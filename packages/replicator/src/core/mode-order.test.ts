// mode-order.test.ts — what an order means, and what is none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMoment, NO_MODES, ProblemsError } from "@lbpair/common";
import { orderBody, orderedChanges, readModeOrder } from "./mode-order.js";

const AT = Date.UTC(2026, 10, 30, 18, 0, 0);
const problemsOf = (body: unknown): string[] => {
  try {
    readModeOrder(body);
    return [];
  } catch (error) {
    assert(error instanceof ProblemsError);
    return error.problems.map(({ path }) => path);
  }
};

test("an order for several servers keeps who, why and until when; a time is reckoned where it is executed", () => {
  const order = readModeOrder({
    servers: ["VNA/P", "WEB/one"],
    mode: "drain",
    by: "anna",
    reason: "disks",
    forMs: 7_200_000,
    haltWhenEmpty: true,
    withinMs: 3_600_000,
  });
  assert.deepEqual(readModeOrder(orderBody(order)), order);
  const [first, second] = orderedChanges(order, NO_MODES, AT);
  assert.deepEqual(first?.entry, {
    service: "VNA",
    server: "P",
    mode: "drain",
    by: "anna",
    reason: "disks",
    since: formatMoment(AT),
    until: formatMoment(AT + 7_200_000),
    haltWhenEmpty: true,
    haltAt: formatMoment(AT + 3_600_000),
  });
  assert.equal(second?.server, "one");
});

test("the same word again changes nothing, another word does", () => {
  const order = readModeOrder({ servers: ["VNA/P"], mode: "halt", by: "anna" });
  const modes = orderedChanges(order, NO_MODES, AT).flatMap(({ entry }) => entry ?? []);
  const list = { serial: 1, modes };
  assert.deepEqual(orderedChanges(order, list, AT + 60_000), []);
  assert.equal(orderedChanges({ ...order, reason: "disks" }, list, AT).length, 1);
  assert.equal(orderedChanges({ ...order, mode: "online" }, list, AT)[0]?.entry, null);
  assert.deepEqual(orderedChanges({ ...order, mode: "online" }, NO_MODES, AT), []);
});

test("the order of an earlier release, for one server, is still understood", () => {
  const order = readModeOrder({ service: "VNA", server: "P", mode: "halt" });
  assert.deepEqual(order, { servers: [{ service: "VNA", server: "P" }], mode: "halt" });
});

test("what contradicts itself is refused, all of it at once", () => {
  const halt = { servers: ["VNA/P"], mode: "halt" };
  assert.deepEqual(problemsOf({ ...halt, servers: ["VNA"] }), ["servers"]);
  assert.deepEqual(problemsOf({ servers: [], mode: "stop" }), ["servers", "mode"]);
  assert.deepEqual(problemsOf({ ...halt, forMs: 1000, until: "2026-11-30T18:00:00Z" }), ["until"]);
  assert.deepEqual(problemsOf({ ...halt, haltWhenEmpty: true }), ["mode"]);
  assert.deepEqual(problemsOf({ ...halt, mode: "online", forMs: 1000 }), ["mode"]);
  assert.deepEqual(problemsOf({ ...halt, until: "18:00", by: "", reason: "a\nb", withinMs: 0 }), [
    "by",
    "reason",
    "until",
    "withinMs",
    "mode",
  ]);
});

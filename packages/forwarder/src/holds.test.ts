// holds.test.ts — when a service is held on its fallback, and when not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_HOLDS, stepHolds } from "./holds.js";
import { choosePool } from "./pool.js";
import { fallback, server, service, verdicts } from "./testing/services.js";

const [a, b] = [server("a"), server("b")];
const manual = service([a, b, fallback()], { recovery: "manual" });
const well = verdicts([]);
const sick = verdicts(["web/a", "web/b"]);
const pendingOf = ({ pending }: { pending: ReadonlySet<string> }) => [...pending];

test("a service that goes down is held until it is written down, healthy again or not", () => {
  const before = stepHolds(NO_HOLDS, [manual], well, true);
  const down = stepHolds(before, [manual], sick, true);
  assert.deepEqual(pendingOf(down), ["web"]);
  const back = stepHolds(down, [manual], well, true);
  assert.deepEqual(pendingOf(back), ["web"]);
  const pool = choosePool(manual, well, back.pending.has("web"));
  assert.deepEqual([pool.serving.map(({ label }) => label), pool.held], [["fallback"], true]);
  const written = { ...manual, held: { reason: null, since: null } };
  assert.deepEqual(pendingOf(stepHolds(back, [written], well, true)), []);
  assert.equal(choosePool(written, well).onFallback, true);
});

test("released while still down it is not held anew, and returns by itself", () => {
  const down = stepHolds(stepHolds(NO_HOLDS, [manual], well, true), [manual], sick, true);
  const written = { ...manual, held: { reason: null, since: null } };
  const held = stepHolds(down, [written], sick, true);
  const released = stepHolds(held, [manual], sick, true);
  assert.deepEqual(pendingOf(released), []);
  const back = stepHolds(released, [manual], well, true);
  assert.deepEqual(pendingOf(back), []);
  assert.deepEqual(pendingOf(stepHolds(back, [manual], sick, true)), ["web"]);
});

test("a passive node holds nothing of its own; one that becomes active holds what it finds down", () => {
  const passive = stepHolds(NO_HOLDS, [manual], sick, false);
  assert.deepEqual(pendingOf(passive), []);
  assert.deepEqual(pendingOf(stepHolds(passive, [manual], sick, true)), ["web"]);
});

test("an operator who halts every server, and a service with automatic recovery, hold nothing", () => {
  const halted = service([server("a", { mode: "halt" }), fallback()], { recovery: "manual" });
  const automatic = service([a, b, fallback()]);
  const begin = stepHolds(NO_HOLDS, [halted, automatic], well, true);
  assert.deepEqual(pendingOf(stepHolds(begin, [halted, automatic], sick, true)), []);
});

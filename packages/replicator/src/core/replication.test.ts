import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@lbpair/common";
import {
  attemptDue,
  BACKOFF_MS_MAX,
  backoffMs,
  COMPARE_INTERVAL_MS,
  type Replication,
  type ReplicationEvent,
  stepReplication,
  UNPAIRED,
} from "./replication.js";

const peer = { revision: { serial: 1, hash: "a" }, modes: { serial: 0, hash: "b" } };
const compared = (verdict: "same" | "push" | "wait" | "drifted"): ReplicationEvent => ({
  kind: "compared",
  verdict,
  reason: verdict,
  peer,
});
const run = (events: readonly [number, ReplicationEvent][], from = UNPAIRED): Replication =>
  events.reduce((state, [at, event]) => stepReplication(state, event, millis(at)), from);
const paired = run([[0, { kind: "paired" }]]);

test("the wait between attempts doubles from 1 s to 60 s and stays there", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 1000].map(backoffMs),
    [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000],
  );
});

test("an unreachable peer is tried again one second later, not a millisecond earlier", () => {
  const state = run(
    [
      [5, { kind: "attempt" }],
      [10, { kind: "unreachable", reason: "r" }],
    ],
    paired,
  );
  assert.equal(state.state, "unreachable");
  assert.equal(attemptDue(state, millis(1009)), false);
  assert.equal(attemptDue(state, millis(1010)), true);
});

test("two attempts never run at once", () => {
  const state = run(
    [
      [0, { kind: "attempt" }],
      [1, { kind: "changed", reason: "r" }],
    ],
    paired,
  );
  assert.equal(attemptDue(state, millis(2)), false);
});

test("a refusal waits the longest time: it does not mend itself", () => {
  const state = run([[0, { kind: "refused", reason: "full" }]], paired);
  assert.equal(state.state, "refused");
  assert.equal(state.attemptAt, BACKOFF_MS_MAX);
});

test("a change is tried at once, also while a backoff runs", () => {
  const away = run(
    [
      [0, { kind: "unreachable", reason: "r" }],
      [1, { kind: "unreachable", reason: "r" }],
    ],
    paired,
  );
  const state = run([[2, { kind: "changed", reason: "revision 2" }]], away);
  assert.equal(state.state, "pending");
  assert.ok(attemptDue(state, millis(2)));
  assert.equal(run([[2, { kind: "attempt" }]], state).state, "pushing");
});

test("success forgets the failures and looks again after the interval", () => {
  const state = run(
    [
      [0, { kind: "unreachable", reason: "r" }],
      [100, compared("same")],
    ],
    paired,
  );
  assert.equal(state.state, "in-sync");
  assert.equal(state.failures, 0);
  assert.equal(state.attemptAt, 100 + COMPARE_INTERVAL_MS);
  assert.equal(state.lastSuccessAt, 100);
});

test("drift waits for a command or the schedule; the secondary waits for the primary", () => {
  for (const verdict of ["drifted", "wait"] as const) {
    const state = run([[0, compared(verdict)]], paired);
    assert.equal(state.state, verdict === "wait" ? "pending" : "drifted");
    assert.equal(attemptDue(state, millis(COMPARE_INTERVAL_MS - 1)), false);
  }
  assert.ok(attemptDue(run([[0, compared("push")]], paired), millis(0)));
});

test("a single appliance makes no attempt, whatever it is told", () => {
  const state = run([
    [0, { kind: "changed", reason: "r" }],
    [0, compared("push")],
    [0, { kind: "awake" }],
  ]);
  assert.deepEqual(state, UNPAIRED);
  assert.deepEqual(run([[9, { kind: "unpaired" }]], paired), UNPAIRED);
});

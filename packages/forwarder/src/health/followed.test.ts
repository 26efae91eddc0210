import assert from "node:assert/strict";
import { test } from "node:test";
import { type Health, millis, type Verdicts } from "@lbpair/common";
import {
  FOLLOWING_NOBODY,
  followedVerdicts,
  isFollowing,
  type Judged,
  withActive,
  withCondition,
  withOnly,
  withResult,
} from "./followed.js";
import { judge, NEVER_JUDGED, type VerdictState } from "./verdict.js";

const counting = { failures: 3, successes: 2 };
const now = millis(1000);
const fail = { passed: false, reason: "refused" };
const pass = { passed: true, reason: "fine" };
const is = (health: Health): VerdictState => ({ ...NEVER_JUDGED, health });
const own = (healths: Record<string, Health>): Judged =>
  new Map(Object.entries(healths).map(([id, health]) => [id, is(health)]));
const told = (unhealthy: string[], unknown: string[] = []): Verdicts => ({
  serial: 7,
  hash: "active-said",
  unhealthy,
  unknown,
});
const digest = (text: string) => text;
const NOTHING: Verdicts = { serial: 0, hash: "", unhealthy: [], unknown: [] };
const lists = (state: typeof FOLLOWING_NOBODY, mine: Judged) => {
  const { unhealthy, unknown } = followedVerdicts(state, mine, NOTHING, digest);
  return { unhealthy, unknown };
};
const passiveBeside = (mine: Judged) => withCondition(FOLLOWING_NOBODY, "passive", true, mine, now);

test("a passive node with a living peer follows the active's verdicts, as they came", () => {
  const mine = own({ "V/a": "healthy", "V/b": "unhealthy" });
  const state = withActive(passiveBeside(mine), told(["V/a"]));
  assert.deepEqual(followedVerdicts(state, mine, NOTHING, digest), told(["V/a"]));
});

test("a passive node that has not been told yet follows its own", () => {
  const mine = own({ "V/a": "healthy", "V/b": "unhealthy", "V/c": "unknown" });
  assert.deepEqual(lists(passiveBeside(mine), mine), { unhealthy: ["V/b"], unknown: ["V/c"] });
});

test("an active node, and one without a peer, listen to nobody", () => {
  const mine = own({ "V/a": "healthy" });
  for (const [condition, alive] of [
    ["active", true],
    ["active", false],
    ["passive", false],
  ] as const) {
    const state = withCondition(FOLLOWING_NOBODY, condition, alive, mine, now);
    assert.equal(isFollowing(withActive(state, told(["V/a"]))), false, `${condition} ${alive}`);
  }
});

test("taking over changes no verdict, though own checks say otherwise", () => {
  const mine = own({ "V/a": "healthy", "V/b": "unhealthy" });
  const following = withActive(passiveBeside(mine), told(["V/a"]));
  for (const [condition, alive] of [
    ["active", true],
    ["active", false],
    ["passive", false],
  ] as const) {
    const state = withCondition(following, condition, alive, mine, now);
    assert.deepEqual(
      lists(state, mine),
      { unhealthy: ["V/a"], unknown: [] },
      `${condition} ${alive}`,
    );
  }
});

test("an inherited verdict holds until own checks, counted from the take over, have overturned it", () => {
  const mine = own({ "V/b": "unhealthy" });
  let state = withCondition(withActive(passiveBeside(mine), told([])), "active", false, mine, now);
  const fails = () => {
    state = withResult(state, "V/b", fail, counting, is("unhealthy"), now);
  };
  fails();
  fails();
  assert.deepEqual(lists(state, mine).unhealthy, [], "two of three failures");
  fails();
  assert.deepEqual(lists(state, mine).unhealthy, ["V/b"], "three of three failures");
  assert.equal(state.inherited.size, 0);
});

test("an inherited verdict ends as soon as own checks agree with it", () => {
  let mine = is("unhealthy");
  const judged = new Map([["V/b", mine]]);
  let state = withCondition(
    withActive(passiveBeside(judged), told([])),
    "active",
    false,
    judged,
    now,
  );
  for (const left of [1, 0]) {
    mine = judge(mine, pass, counting, now);
    state = withResult(state, "V/b", pass, counting, mine, now);
    assert.equal(state.inherited.size, left);
  }
});

test("a count that ran before the take over goes on where both nodes agreed", () => {
  const mine = new Map([["V/a", { ...is("healthy"), count: 2 }]]);
  const state = withCondition(
    withActive(passiveBeside(mine), told([])),
    "active",
    false,
    mine,
    now,
  );
  assert.equal(state.inherited.size, 0);
  assert.equal(judge(mine.get("V/a") ?? NEVER_JUDGED, fail, counting, now).health, "unhealthy");
});

test("what the active does not know is not inherited, what a fresh node does not know is", () => {
  const mine = own({ "V/a": "healthy", "V/b": "unknown" });
  const state = withCondition(
    withActive(passiveBeside(mine), told([], ["V/a"])),
    "active",
    false,
    mine,
    now,
  );
  assert.deepEqual(lists(state, mine), { unhealthy: [], unknown: [] });
  assert.deepEqual([...state.inherited.keys()], ["V/b"]);
});

test("what an active said in a former partnership is forgotten", () => {
  const mine = own({ "V/a": "healthy" });
  let state = withActive(passiveBeside(mine), told(["V/a"]));
  state = withCondition(state, "active", true, mine, now);
  state = withOnly(state, new Set());
  state = withCondition(state, "passive", true, mine, now);
  assert.deepEqual(lists(state, mine), { unhealthy: [], unknown: [] });
});

test("the serial grows exactly when the lists change, also across a take over", () => {
  const mine = own({ "V/a": "unhealthy" });
  const first = followedVerdicts(FOLLOWING_NOBODY, mine, NOTHING, digest);
  assert.equal(first.serial, 1);
  assert.equal(followedVerdicts(FOLLOWING_NOBODY, mine, first, digest).serial, 1);
  const following = withActive(passiveBeside(mine), { ...first, serial: 41 });
  const followed = followedVerdicts(following, mine, first, digest);
  const active = withCondition(following, "active", false, mine, now);
  assert.deepEqual(followedVerdicts(active, mine, followed, digest), { ...first, serial: 41 });
  assert.equal(followedVerdicts(active, own({}), followed, digest).serial, 42);
});

// pair-verdict.test.ts — the one sentence on top says the gravest thing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { judgePair } from "./pair-verdict.js";
import type { PairView } from "./pair-view.js";
import { SAMPLE_PAIRS } from "./sample-pairs.js";
import { sampleHeartbeat } from "./sample-statuses.js";

const sample = (name: string): PairView => {
  const pair = SAMPLE_PAIRS[name];
  assert(pair !== undefined, name);
  return pair;
};

const CASES: readonly [string, string, RegExp][] = [
  ["both-fine", "good", /lb1 is active and lb2 is ready to take over/],
  ["peer-away", "attention", /alone: lb2 was last heard/],
  ["on-fallback", "attention", /fallback server answers for VNA/],
  ["daemon-dead", "attention", /forwarder of lb1/],
  ["drifted", "attention", /drifted/],
  ["flapping", "attention", /Health has moved the role too often and may not for 25 min/],
  ["from-the-secondary", "good", /lb1 is active/],
  ["single", "good", /single appliance/],
];

for (const [name, level, text] of CASES) {
  test(`'${name}' is told as ${level}`, () => {
    const verdict = judgePair(sample(name));
    assert.equal(verdict.level, level, verdict.text);
    assert.match(verdict.text, text);
  });
}

test("two active nodes are an alarm whatever else is wrong", () => {
  const pair = sample("on-fallback");
  assert(pair.peer !== null);
  const both = {
    ...pair,
    peer: {
      ...pair.peer,
      heartbeat: { ok: true, status: sampleHeartbeat({ node: "lb2" }) } as const,
    },
  };
  assert.deepEqual(judgePair(both), {
    level: "alarm",
    text: "Both nodes are active: lb1 and lb2.",
  });
});

test("no active node is an alarm, but not while a node has just started", () => {
  const passive = (phase: string): PairView => ({
    ...sample("single"),
    here: {
      ...sample("single").here,
      heartbeat: { ok: true, status: sampleHeartbeat({ peer: null, condition: "passive", phase }) },
    },
  });
  assert.equal(judgePair(passive("passive")).level, "alarm");
  assert.equal(judgePair(passive("starting")).level, "attention");
});

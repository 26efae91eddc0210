// why-lines.test.ts — what `lbpair why` prints: snapshots of each kind of switch, and clocks that differ.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ASCII_GLYPHS, UNICODE_GLYPHS } from "../render/glyphs.js";
import { lineWidth, plainText } from "../render/text.js";
import { assertGolden } from "./golden.js";
import { SAMPLE_TRANSITIONS, type SampleTransitions, sampleRecord } from "./sample-transitions.js";
import { onMainClock, type PairTransition, pairTransitions } from "./transition-pairs.js";
import { phasesOf, tellStory } from "./transition-story.js";
import { bar, showMs, whyLines, whyListLines } from "./why-lines.js";

before(() => {
  process.env.TZ = "UTC";
});

const only = ({ here, there }: SampleTransitions): PairTransition => {
  const pairs = pairTransitions(here, there);
  assert.equal(pairs.length, 1, "one switch");
  const [pair] = pairs;
  assert.ok(pair !== undefined);
  return pair;
};
const sample = (name: string): SampleTransitions => {
  const found = SAMPLE_TRANSITIONS[name];
  assert.ok(found !== undefined, name);
  return found;
};

for (const [name, told] of Object.entries(SAMPLE_TRANSITIONS)) {
  for (const columns of [80, 100]) {
    test(`why '${name}' at ${columns} columns is as the snapshot shows it, on one screen`, () => {
      const missing = told.there === null ? ["the peer: no SSH connection in time"] : [];
      const options = { glyphs: UNICODE_GLYPHS, columns, number: 1, of: 4, missing };
      const lines = whyLines(only(told), options);
      for (const line of lines) assert.ok(lineWidth(line) <= columns, plainText([line]));
      assert.ok(lines.length <= 40, `${lines.length} lines`);
      assertGolden(`why/${name}-${columns}.txt`, plainText(lines));
    });
  }
}

test("without Unicode the same is said", () => {
  const pair = only(sample("frozen"));
  const options = { columns: 100, number: 1, of: 1, missing: [] };
  const ascii = plainText(whyLines(pair, { ...options, glyphs: ASCII_GLYPHS }));
  const beyond = [...ascii].filter((character) => character > "~" && character !== "\n");
  assert.deepEqual(beyond, []);
});

test("the list has one line for each switch, the latest first", () => {
  const records = Object.values(SAMPLE_TRANSITIONS).flatMap(({ here, there }, index) =>
    [...here.transitions, ...(there?.transitions ?? [])].map((record) => ({
      ...record,
      at: new Date(Date.parse(record.at) - index * 3_600_000).toISOString(),
      epoch: `${Number(record.epoch) - 10 * index + 100}`,
      otherEpoch:
        record.otherEpoch === null ? null : `${Number(record.otherEpoch) - 10 * index + 100}`,
    })),
  );
  const of = (node: string) => ({
    node,
    at: "",
    clock: null,
    transitions: records.filter((record) => record.node === node),
  });
  const pairs = pairTransitions(of("lb2"), of("lb1"));
  assertGolden(
    "why/list-100.txt",
    plainText(whyListLines(pairs, { glyphs: UNICODE_GLYPHS, columns: 100 })),
  );
});

test("the other node's times are placed by the difference of the clocks, whoever measured it", () => {
  const claim = sampleRecord("lb2", 0, {});
  const loss = sampleRecord("lb1", 300_050, { kind: "stand-down", epoch: "7", otherEpoch: "8" });
  const clock = { offsetMs: 300_000, uncertainMs: 0.2 };
  const back = { ...clock, offsetMs: -300_000 };
  const answers = (node: string, record: typeof claim, known: typeof clock | null) => ({
    node,
    at: "",
    clock: known,
    transitions: [record],
  });
  const ways: readonly [string, PairTransition][] = [
    [
      "by the claim",
      only({ here: answers("lb2", { ...claim, clock }, null), there: answers("lb1", loss, null) }),
    ],
    [
      "by the loss",
      only({
        here: answers("lb2", claim, null),
        there: answers("lb1", { ...loss, clock: back }, null),
      }),
    ],
    [
      "by the answer here",
      only({ here: answers("lb2", claim, clock), there: answers("lb1", loss, null) }),
    ],
    [
      "by the answer there",
      only({ here: answers("lb2", claim, null), there: answers("lb1", loss, back) }),
    ],
    [
      "seen from the other node",
      only({ here: answers("lb1", loss, back), there: answers("lb2", claim, null) }),
    ],
  ];
  for (const [how, pair] of ways) assert.equal(onMainClock(pair, 0), 50, how);
  const unknown = only({ here: answers("lb2", claim, null), there: answers("lb1", loss, null) });
  assert.equal(unknown.clock, null);
  assert.equal(onMainClock(unknown, 0), 300_050, "as its own clock has it");
});

test("a record of the other node belongs to the claim that took its place, and to no other", () => {
  const claims = ["8", "9"].map((epoch, i) =>
    sampleRecord("lb2", i * 10_000, { seq: i + 1, epoch, otherEpoch: i === 0 ? "7" : null }),
  );
  const loss = sampleRecord("lb1", 9990, { kind: "stand-down", epoch: "7", otherEpoch: null });
  const here = { node: "lb2", at: "", clock: null, transitions: claims };
  const there = { node: "lb1", at: "", clock: null, transitions: [loss] };
  const pairs = pairTransitions(here, there);
  assert.deepEqual(
    pairs.map(({ main, other }) => [main.epoch, other?.epoch ?? null]),
    [
      ["9", null],
      ["8", "7"],
    ],
  );
});

test("detection, decision and switching are told apart", () => {
  const phases = (name: string) => phasesOf(only(sample(name)));
  assert.deepEqual(phases("frozen"), {
    detectionMs: 1000,
    decisionMs: 1,
    switchingMs: 9.1,
    totalMs: 1010.1,
  });
  assert.deepEqual(phases("ordered").detectionMs, 0);
  assert.deepEqual(phases("ordered").decisionMs, 14);
  assert.deepEqual(phases("health"), {
    detectionMs: 1003,
    decisionMs: 15,
    switchingMs: 9.1,
    totalMs: 1027.1,
  });
  assert.equal(tellStory(only(sample("health"))).rule, "health");
  assert.equal(tellStory(only(sample("rolled-back"))).rule, "no-answer");
});

test("durations have as many digits as matter, and bars are never empty where something is", () => {
  const shown = [0.04, 0.44, 9.94, 9.96, 999.4, 999.6, 1034, 99_900, 100_000].map(showMs);
  assert.deepEqual(shown, [
    "0 ms",
    "0.4 ms",
    "9.9 ms",
    "10 ms",
    "999 ms",
    "1.00 s",
    "1.03 s",
    "99.9 s",
    "2 min",
  ]);
  assert.equal(bar(0.0001, 10, UNICODE_GLYPHS), "▏");
  assert.equal(bar(0, 10, UNICODE_GLYPHS), "");
  assert.equal(bar(1, 4, UNICODE_GLYPHS), "████");
  assert.equal(bar(7, 4, UNICODE_GLYPHS), "████", "never longer than its room");
});

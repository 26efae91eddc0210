// sample-transitions.ts — for tests: records of one switch of each kind, as two nodes keep them.
import type { Rule, TransitionEffect, TransitionRecord, TransitionsAnswer } from "@lbpair/common";

/** Wall time of a decision, `ms` after a fixed moment. */
const wall = (ms: number): string => new Date(Date.UTC(2026, 10, 22, 18, 14, 3) + ms).toISOString();

const effect = (what: string, atMs: number, tookMs: number | null): TransitionEffect => ({
  what,
  atMs,
  tookMs,
});

export const sampleRecord = (
  node: "lb1" | "lb2",
  at: number,
  fields: Partial<TransitionRecord>,
): TransitionRecord => ({
  seq: 1,
  node,
  designation: node === "lb1" ? "primary" : "secondary",
  peerName: node === "lb1" ? "lb2" : "lb1",
  kind: "claim",
  rule: "silence",
  because: "the peer has been silent for 1001 ms",
  at: wall(at),
  from: "passive",
  to: "active",
  outcome: "done",
  epoch: "8",
  otherEpoch: "7",
  beganMs: -1001,
  clock: null,
  situation: {
    ready: true,
    faults: 0,
    lateMaxMs: 3.1,
    lateP99Ms: 0.4,
    peer: { active: true, ready: true, faults: 0, epoch: "7", leaseMs: 800, latenessMs: 2 },
    timings: { keepaliveMs: 200, warntimeMs: 500, deadtimeMs: 1000, leaseMs: 800 },
    floatingIps: 2,
  },
  paths: [],
  probes: { sent: 0, answeredBefore: 0 },
  marks: [],
  effects: [],
  ...fields,
});

const CLAIMED: readonly TransitionEffect[] = [
  effect("grant-lease", 0.4, 1.9),
  effect("raise", 2.3, 5.5),
  effect("announce", 7.9, 1.2),
  effect("send-adverts", 9.1, 0.2),
  effect("remember", 9.3, 0.1),
  effect("tell-condition", 9.4, 0.1),
];
const LOWERED: readonly TransitionEffect[] = [
  effect("revoke-lease", 0.3, 0.8),
  effect("stop-announcing", 1.1, 0),
  effect("lower", 1.2, 8.6),
  effect("send-adverts", 9.9, 0.1),
  effect("remember", 10, 0.1),
  effect("tell-condition", 10.1, 0.2),
];

const path = (index: 1 | 2, heardAgeMs: number): TransitionRecord["paths"][number] => ({
  local: `192.168.${index}00.2`,
  peer: `192.168.${index}00.1`,
  heardAgeMs,
  missed: 5,
  rttMs: 0.4,
  lossPercent: 0,
});

const silent: TransitionRecord = sampleRecord("lb2", 0, {
  clock: { offsetMs: 300_000, uncertainMs: 0.2 },
  paths: [path(2, 1001), path(1, 1000)],
  probes: { sent: 16, answeredBefore: 2 },
  marks: [
    {
      atMs: -501,
      what: "suspect",
      text: "silence passes warntime: the peer is asked to answer at once",
    },
    { atMs: 19.2, what: "neighbour", text: "192.168.200.50 knows where 192.168.200.100 is now" },
    { atMs: 31, what: "first-packet", text: "the first packet is forwarded" },
    { atMs: 4200, what: "peer-heard", text: "the peer is heard" },
  ],
  effects: CLAIMED,
});

/** Its clock is five minutes ahead. */
const thawed: TransitionRecord = sampleRecord("lb1", 304_210, {
  kind: "stand-down",
  rule: "lease-lost",
  because: "this daemon stood still for longer than its lease",
  from: "active",
  to: "passive",
  epoch: "7",
  otherEpoch: null,
  beganMs: -5100,
  marks: [{ atMs: -5100, what: "stall", text: "this node did nothing for 5100 ms" }],
  effects: LOWERED,
});

const handOver = (rule: Rule, because: string, fields: Partial<TransitionRecord> = {}) =>
  sampleRecord("lb1", -12, {
    kind: "hand-over",
    rule,
    because,
    from: "active",
    to: "passive",
    epoch: "7",
    otherEpoch: "8",
    beganMs: 0,
    effects: [
      effect("revoke-lease", 0.3, 0.6),
      effect("stop-announcing", 0.9, 0),
      effect("send-adverts", 1, 0.2),
      ...LOWERED.map((one) => ({ ...one, atMs: one.atMs + 22 })),
    ],
    ...fields,
  });

const answering = (rule: Rule, because: string, beganMs = 0): TransitionRecord =>
  sampleRecord("lb2", 0, { rule, because, beganMs, effects: CLAIMED });

const answer = (
  node: string,
  transitions: readonly TransitionRecord[],
  clock: TransitionRecord["clock"] = { offsetMs: 3, uncertainMs: 0.2 },
): TransitionsAnswer => ({ node, at: wall(60_000), clock, transitions });

export interface SampleTransitions {
  readonly here: TransitionsAnswer;
  readonly there: TransitionsAnswer | null;
}

const asked = "the peer asked this node to take over";
const SICK = {
  ready: true,
  faults: 1,
  lateMaxMs: 1,
  lateP99Ms: 0.3,
  peer: { active: false, ready: true, faults: 0, epoch: "6", leaseMs: 0, latenessMs: 1 },
  timings: { keepaliveMs: 200, warntimeMs: 500, deadtimeMs: 1000, leaseMs: 800 },
  floatingIps: 2,
};

export const SAMPLE_TRANSITIONS: Readonly<Record<string, SampleTransitions>> = {
  frozen: { here: answer("lb2", [silent]), there: answer("lb1", [thawed]) },
  "peer-unasked": { here: answer("lb2", [{ ...silent, clock: null }], null), there: null },
  ordered: {
    here: answer("lb2", [answering("order", "an operator asked for it", -14)]),
    there: answer("lb1", [handOver("request", "the peer asked to be active")]),
  },
  health: {
    here: answer("lb2", [answering("yield", asked)]),
    there: answer("lb1", [
      handOver("health", "the peer's health is better", {
        beganMs: -1003,
        situation: SICK,
        marks: [{ atMs: -1003, what: "health", text: "this node has 1 fault, 0 before" }],
      }),
    ]),
  },
  "rolled-back": {
    here: answer("lb1", [
      handOver("order", "an operator asked for it", {
        outcome: "rolled-back",
        otherEpoch: null,
        marks: [{ atMs: 1000, what: "rolled-back", text: "the peer did not take over in time" }],
        effects: [effect("revoke-lease", 0.3, 0.6), effect("grant-lease", 1000.4, null)],
      }),
    ]),
    there: answer("lb2", []),
  },
};

// transition-record.test.ts — what is recorded of each way in which the role moves, and within which bounds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isTransition, type Millis, millis, type TransitionRecord } from "@lbpair/common";
import type { Effect } from "./effects.js";
import { step } from "./election.js";
import {
  adoptElection,
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  type PeerSaid,
  startElection,
} from "./election-state.js";
import { ACTIVE_PEER, NOBODY_TO_ASK, PASSIVE_PEER, SECONDARY } from "./sample-election.js";
import { nextDeadline } from "./suspicion.js";
import { TRANSITION_NOTES_MAX } from "./transition-notes.js";
import {
  TRANSITION_AFTER_MS_MAX,
  TRANSITION_EFFECTS_MAX,
  TRANSITION_MARKS_MAX,
  TransitionRecorder,
} from "./transition-record.js";

const SETTINGS = SECONDARY;
const PASSIVE = PASSIVE_PEER;
const ACTIVE = ACTIVE_PEER;
const WELL = { kind: "local", ready: true, faults: 0, pingsLost: 0, isolated: false } as const;

/** A node whose every step is shown to a recorder, and whose effects take 2 ms each. */
class Node {
  state: ElectionState;
  readonly settings: ElectionSettings;
  readonly emitted: TransitionRecord[] = [];
  readonly recorder: TransitionRecorder;
  constructor(settings: Partial<ElectionSettings> = {}, adopted = false) {
    this.settings = { ...SETTINGS, ...settings };
    const start = startElection(millis(0), this.settings, 0);
    this.state = adopted ? adoptElection(millis(0), this.settings, 5, 0) : start;
    this.recorder = new TransitionRecorder({
      who: { node: "lb2", designation: this.settings.designation, peerName: "lb1" },
      nextSeq: 7,
      describe: () => ({
        at: "2026-11-22T18:00:00.000Z",
        clock: null,
        paths: [],
        peerLatenessMs: 1,
        situation: {
          lateMaxMs: 1,
          lateP99Ms: 1,
          floatingIps: 2,
          timings: { keepaliveMs: 200, warntimeMs: 500, deadtimeMs: 1000, leaseMs: 800 },
        },
      }),
      emit: (record) => this.emitted.push(record),
    });
    this.at(0, WELL);
  }
  at(now: number, event: ElectionEvent): this {
    const before = this.state;
    const [after, effects] = step(before, event, now as Millis, this.settings);
    this.state = after;
    this.recorder.stepped(before, event, after, effects, now as Millis);
    this.perform(effects, now);
    if (effects.some(({ kind }) => kind === "suspect")) this.at(now, NOBODY_TO_ASK);
    return this;
  }
  perform(effects: readonly Effect[], now: number): void {
    let at = now;
    for (const effect of effects) {
      this.recorder.began(effect, at as Millis);
      at += 2;
      this.recorder.ended(effect, at as Millis);
    }
  }
  hears(now: number, said: PeerSaid): this {
    return this.at(now, { kind: "advert", peer: said });
  }
  /** Time passes as the daemon would let it: keepalives and deadlines. */
  until(from: number, to: number): this {
    let tick = from + this.settings.keepalive;
    for (let now = from; now < to; ) {
      const due = nextDeadline(this.state, this.settings, now as Millis) ?? Infinity;
      now = Math.min(to, tick, Math.max(due, now + 1));
      this.at(now, { kind: now === tick ? "tick" : "deadline" });
      if (now === tick) tick += this.settings.keepalive;
    }
    return this;
  }
  get last(): TransitionRecord {
    const record = this.emitted.at(-1);
    assert.ok(record !== undefined, "nothing was recorded");
    assert.ok(isTransition(record), "a record as others read it");
    return record;
  }
}

const whats = (record: TransitionRecord): string[] => record.effects.map(({ what }) => what);

test("a take over by silence tells the silence, the doubt, the probes and each effect with its time", () => {
  const { last } = new Node().hears(100, ACTIVE).until(100, 1110);
  assert.equal(last.rule, "silence");
  assert.equal(last.kind, "claim");
  assert.deepEqual([last.seq, last.epoch, last.otherEpoch], [7, "6", "5"]);
  assert.equal(last.beganMs, -1001);
  const suspect = last.marks.find(({ what }) => what === "suspect");
  assert.ok(suspect !== undefined && Math.abs(suspect.atMs + 501) <= 1, "doubted at warntime");
  assert.ok(last.probes.sent >= 10, `${last.probes.sent} probes`);
  assert.ok(last.effects.every(({ tookMs }) => tookMs === 2));
  assert.deepEqual(
    whats(last).filter((what) => what !== "tell-condition"),
    ["grant-lease", "raise", "announce", "send-adverts", "remember"],
  );
  const raise = last.effects.find(({ what }) => what === "raise");
  assert.ok(raise !== undefined && raise.atMs >= 2, "its turn came behind the lease");
});

test("doubts that the peer answered are counted in the next record, and their probes are not", () => {
  const node = new Node().hears(0, ACTIVE);
  for (let at = 600; at <= 2400; at += 600) node.until(at - 600, at).hears(at, ACTIVE);
  node.until(2400, 3410);
  assert.equal(node.last.probes.answeredBefore, 4);
  assert.ok(node.last.probes.sent <= 20, `${node.last.probes.sent} in the last doubt alone`);
});

test("a hand-over is one record: pending, then done with the claim that took its place", () => {
  const node = new Node({}, true).hears(100, PASSIVE);
  node.at(200, { kind: "make-active", designation: "primary", by: "an operator" });
  assert.deepEqual(
    [node.last.kind, node.last.rule, node.last.outcome],
    ["hand-over", "order", "pending"],
  );
  node.hears(230, { ...ACTIVE, epoch: 6, highestEpoch: 6 });
  const { last } = node;
  assert.deepEqual([last.seq, last.outcome, last.epoch, last.otherEpoch], [7, "done", "5", "6"]);
  assert.ok(whats(last).includes("lower"));
  assert.ok(last.marks.some(({ what }) => what === "order"));
});

test("a hand-over that nobody answers is told as rolled back, with what made it undone", () => {
  const node = new Node({}, true).hears(100, PASSIVE);
  node.at(200, { kind: "make-active", designation: "primary", by: "an operator" });
  for (let at = 300; at <= 1400; at += 100) node.hears(at, PASSIVE).at(at, { kind: "tick" });
  assert.equal(node.last.outcome, "rolled-back");
  assert.ok(node.last.marks.some(({ what }) => what === "rolled-back"));
  assert.deepEqual(whats(node.last).slice(-4), [
    "grant-lease",
    "raise",
    "announce",
    "send-adverts",
  ]);
});

test("a lease lost in a pause is told from the beginning of the pause, once", () => {
  const node = new Node({}, true).hears(100, PASSIVE).at(200, { kind: "tick" });
  node.at(3200, { kind: "lease-lost", why: "this daemon stood still" });
  node.at(3201, { kind: "stalled", lateMs: 2950 });
  const { last } = node;
  assert.deepEqual([last.kind, last.rule, last.beganMs], ["stand-down", "lease-lost", -3000]);
  assert.deepEqual(
    last.marks.filter(({ what }) => what === "stall").map(({ text }) => text),
    ["this node did nothing for 3000 ms"],
  );
});

test("each way in which the role moves has its rule", () => {
  const ways: Readonly<Record<string, () => Node>> = {
    lone: () => new Node().until(0, 31_510),
    vacant: () => new Node({ designation: "primary" }).hears(10, PASSIVE).at(20, { kind: "tick" }),
    yield: () => new Node().hears(10, ACTIVE).hears(20, { ...ACTIVE, yielding: true, leaseMs: 0 }),
    request: () => new Node({}, true).hears(10, { ...PASSIVE, requesting: true }),
    stop: () => new Node({}, true).hears(10, PASSIVE).at(20, { kind: "stop", why: "SIGTERM" }),
    "higher-epoch": () => new Node({}, true).hears(10, { ...ACTIVE, epoch: 9, highestEpoch: 9 }),
    "both-active": () => new Node({}, true).hears(10, { ...ACTIVE, epoch: 4, highestEpoch: 4 }),
    unheard: () => {
      const deaf = { ...ACTIVE, epoch: 4, highestEpoch: 4, deaf: true };
      return new Node({}, true).hears(10, deaf).hears(210, deaf).hears(410, deaf);
    },
    isolated: () =>
      new Node({}, true)
        .hears(10, PASSIVE)
        .at(20, { ...WELL, isolated: true, faults: 1 })
        .at(1020, { kind: "tick" }),
    health: () => {
      const node = new Node({}, true).hears(10, PASSIVE).at(20, { ...WELL, faults: 1 });
      for (let at = 200; at <= 1400; at += 200) node.hears(at, PASSIVE).at(at, { kind: "tick" });
      return node;
    },
    order: () => {
      const node = new Node().hears(10, ACTIVE);
      node.at(20, { kind: "make-active", designation: "secondary", by: "an operator" });
      return node.hears(30, { ...ACTIVE, yielding: true, leaseMs: 0 });
    },
    failback: () => {
      const node = new Node({ designation: "primary", autoFailback: true }).hears(10, ACTIVE);
      for (let at = 200; at <= 10_400; at += 200) node.hears(at, ACTIVE).at(at, { kind: "tick" });
      return node.hears(10_500, { ...ACTIVE, yielding: true, leaseMs: 0 });
    },
  };
  for (const [rule, way] of Object.entries(ways)) {
    assert.equal(way().last.rule, rule);
  }
});

test("a run that comes back without its lease gives the claim of the earlier run up", () => {
  const node = new Node();
  const effects: Effect[] = [{ kind: "revoke-lease" }, { kind: "lower" }];
  const state = { ...node.state, rule: "restarted", because: "started anew" } as const;
  node.recorder.restarted(state, 4, effects, millis(5));
  node.perform(effects, 5);
  const { last } = node;
  assert.deepEqual([last.kind, last.rule, last.epoch], ["stand-down", "restarted", "4"]);
  assert.deepEqual(
    last.effects.map(({ tookMs }) => tookMs),
    [2, 2],
  );
});

test("however much happens, a record stays within its bounds", () => {
  const node = new Node().hears(100, ACTIVE);
  for (let i = 0; i < 10 * TRANSITION_NOTES_MAX; i += 1) {
    node.recorder.note("link", `news ${i}`, millis(100 + i / 10));
  }
  node.until(100, 1110);
  for (let i = 0; i < 1000; i += 1) node.recorder.note("link", `later ${i}`, millis(1200 + i));
  assert.ok(node.last.marks.length <= 2 * TRANSITION_MARKS_MAX, `${node.last.marks.length} marks`);
  assert.ok(node.last.effects.length <= TRANSITION_EFFECTS_MAX);
  const before = node.emitted.length;
  node.recorder.note("link", "much later", millis(1110 + TRANSITION_AFTER_MS_MAX + 1));
  assert.equal(node.emitted.length, before, "what comes later is no consequence");
  assert.ok(JSON.stringify(node.last).length < 16_000);
});

test("of neighbours and packets the first is told", () => {
  const node = new Node().hears(100, ACTIVE).until(100, 1110);
  for (const at of [1130, 1140]) node.recorder.once("neighbour", `at ${at}`, millis(at));
  const told = node.last.marks.filter(({ what }) => what === "neighbour");
  assert.deepEqual(
    told.map(({ text }) => text),
    ["at 1130"],
  );
});

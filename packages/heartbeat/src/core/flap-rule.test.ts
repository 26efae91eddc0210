// flap-rule.test.ts — health moves the role until the governor says no; orders and silence always do.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Millis } from "@lbpair/common/light";
import type { Effect } from "./effects.js";
import {
  adoptElection,
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  type PeerSaid,
  startElection,
} from "./election-state.js";
import { noteMove } from "./flap-governor.js";
import { PASSIVE_PEER, PRIMARY, stepBlind } from "./sample-election.js";

const settings: ElectionSettings = { ...PRIMARY, flapLimit: 2, flapHold: 60_000 };

const peer = PASSIVE_PEER;

/** A node in the state given, and everything it did since. */
class Node {
  state: ElectionState;
  readonly settings: ElectionSettings;
  effects: Effect[] = [];
  constructor(state: ElectionState, own = settings) {
    this.state = state;
    this.settings = own;
  }
  at(now: number, event: ElectionEvent): this {
    const [next, effects] = stepBlind(this.state, event, now as Millis, this.settings);
    this.state = next;
    this.effects.push(...effects);
    return this;
  }
  local(now: number, faults: number, pingsLost = 0): this {
    return this.at(now, { kind: "local", ready: true, faults, pingsLost, isolated: false });
  }
  /** Keepalives from one time to another, the peer heard before each. */
  live(from: number, to: number, said: PeerSaid = peer): this {
    for (let now = from; now <= to; now += 200) {
      this.at(now, { kind: "advert", peer: said }).at(now, { kind: "tick" });
    }
    return this;
  }
  events(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === "record" ? [effect.event] : []));
  }
}

const active = (own = settings) => new Node(adoptElection(0 as Millis, own, 5, 0), own);
const heldActive = () => {
  const node = active();
  const once = noteMove(node.state.flaps, 0 as Millis, settings);
  node.state = { ...node.state, flaps: noteMove(once, 0 as Millis, settings) };
  return node;
};

test("a link's fault moves the role after healthDamping, one that only pings show after both had time", () => {
  const link = active().live(0, 0).local(0, 1).live(0, 800);
  assert.equal(link.state.phase, "active");
  assert.equal(link.live(1000, 1000).state.phase, "handing-over");
  const ping = active().live(0, 0).local(0, 1, 1).live(0, 2800);
  assert.equal(ping.state.phase, "active");
  assert.equal(ping.live(3000, 3000).state.phase, "handing-over");
});

test("a router that both nodes lose, the active two seconds before the passive, moves nothing", () => {
  const node = active().live(0, 0).local(0, 1, 1).live(0, 2000);
  node.live(2200, 60_000, { ...peer, faults: 1, pingsLost: 1 });
  assert.equal(node.state.phase, "active");
  assert.deepEqual(node.state.flaps.moves, []);
});

test("both nodes count a move for health once, and no other move", () => {
  const from = active().live(0, 0).local(0, 1).live(0, 1000);
  assert.deepEqual(from.state.flaps.moves, [1000]);
  assert.ok(from.effects.some(({ kind }) => kind === "remember"));
  from.live(1200, 1200, { ...peer, active: true, epoch: 6, highestEpoch: 6, leaseMs: 800 });
  assert.equal(from.state.phase, "passive");
  assert.deepEqual(from.state.flaps.moves, [1000]);

  const secondary = { ...settings, designation: "secondary" } as const;
  for (const [forHealth, moves] of [
    [true, [1200]],
    [false, []],
  ] as const) {
    const to = new Node(startElection(0 as Millis, secondary, 5), secondary).local(0, 0);
    to.at(1000, { kind: "advert", peer: { ...peer, active: true, epoch: 5, leaseMs: 800 } });
    const yields = { ...peer, active: true, yielding: true, epoch: 5, forHealth };
    to.at(1200, { kind: "advert", peer: yields });
    assert.equal(to.state.phase, "active");
    assert.deepEqual(to.state.flaps.moves, moves);
  }
});

test("the last move before the limit is told as an alarm that names the ways out", () => {
  const node = active();
  node.state = { ...node.state, flaps: noteMove(node.state.flaps, 0 as Millis, settings) };
  node.live(0, 0).local(0, 1).live(0, 1000);
  const told = node.effects.find((e) => e.kind === "record" && e.event === "flaps-held");
  assert.ok(told?.kind === "record");
  console.log(told.text);
  assert.equal(told.level, "alarm");
  assert.match(told.text, /2 times within 10m.*no more for 1m.*clear-flaps.*make-active/);
});

test("held, a node with more faults stays active, says so once, and moves when the hold is over", () => {
  const node = heldActive().live(0, 0).local(0, 3).live(0, 59_800);
  assert.equal(node.state.phase, "active");
  assert.deepEqual(
    node.events().filter((event) => event.startsWith("flaps")),
    ["flaps-hold-back"],
  );
  node.live(60_000, 61_200);
  assert.equal(node.state.phase, "handing-over");
  assert.deepEqual(node.state.flaps.moves, [61_000]);
});

test("held, the peer's wish for health is left aside, and an order's wish is not", () => {
  const wish = { ...peer, requesting: true };
  assert.equal(heldActive().live(0, 600, { ...wish, forHealth: true }).state.phase, "active");
  const ordered = heldActive().live(0, 600, wish);
  assert.equal(ordered.state.phase, "handing-over");
  assert.equal(ordered.state.flaps.moves.length, 2);
});

test("held, an order here, a stop and the peer's silence work as ever", () => {
  const order = heldActive().live(0, 0);
  order.at(100, { kind: "make-active", designation: "secondary", by: "an operator" });
  assert.equal(order.state.phase, "handing-over");
  assert.equal(
    heldActive().live(0, 0).at(100, { kind: "stop", why: "x" }).state.phase,
    "handing-over",
  );
  const secondary = { ...settings, designation: "secondary" } as const;
  const passive = new Node(startElection(0 as Millis, secondary, 5), secondary).local(0, 0);
  passive.state = { ...passive.state, flaps: heldActive().state.flaps };
  passive.at(0, { kind: "advert", peer: { ...peer, active: true, epoch: 5, leaseMs: 800 } });
  passive.at(1100, { kind: "tick" });
  assert.equal(passive.state.phase, "active");
  assert.equal(passive.state.flaps.moves.length, 2);
});

test("auto-failback asks no more while held", () => {
  const own = { ...settings, autoFailback: true };
  const said = { ...peer, active: true, epoch: 5, leaseMs: 800 };
  for (const held of [true, false]) {
    const node = new Node(startElection(0 as Millis, own, 5), own).local(0, 0);
    if (held) node.state = { ...node.state, flaps: heldActive().state.flaps };
    node.live(0, 11_000, said);
    assert.equal(node.state.request === null, held);
  }
});

test("clear-flaps frees health at once, and is remembered and told", () => {
  const node = heldActive().live(0, 0).local(0, 1).live(0, 5000);
  node.effects = [];
  node.at(5100, { kind: "clear-flaps", by: "an operator" });
  assert.deepEqual(
    node.effects.map(({ kind }) => kind),
    ["remember", "record"],
  );
  node.live(5200, 6400);
  assert.equal(node.state.phase, "handing-over");
});

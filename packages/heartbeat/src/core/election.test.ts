// election.test.ts — the election's promises, one by one.
// long: one promise a test, all on the same small hand-driven node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Millis, millis } from "@lbpair/common";
import type { Effect } from "./effects.js";
import {
  adoptElection,
  conditionOf,
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  type PeerSaid,
  startElection,
} from "./election-state.js";
import { ACTIVE_PEER, PASSIVE_PEER, PRIMARY, SECONDARY, stepBlind } from "./sample-election.js";
import { leaseLength } from "./silence.js";
import { nextDeadline } from "./suspicion.js";

const primary = PRIMARY;
const secondary = SECONDARY;
const single: ElectionSettings = { ...primary, paired: false };

const passivePeer = PASSIVE_PEER;
const activePeer = ACTIVE_PEER;

class Node {
  state: ElectionState;
  readonly settings: ElectionSettings;
  effects: readonly Effect[] = [];
  constructor(settings: ElectionSettings, state?: ElectionState) {
    this.settings = settings;
    this.state = state ?? startElection(millis(0), settings, 0);
    if (state === undefined)
      this.at(0, { kind: "local", ready: true, faults: 0, pingsLost: 0, isolated: false });
  }
  at(now: number, event: ElectionEvent): this {
    [this.state, this.effects] = stepBlind(this.state, event, now as Millis, this.settings);
    return this;
  }
  hears(now: number, said: PeerSaid): this {
    return this.at(now, { kind: "advert", peer: said });
  }
  kinds(): string[] {
    return this.effects.map((effect) => effect.kind);
  }
  replies(): { readonly done: boolean; readonly message: string }[] {
    return this.effects.flatMap((effect) => (effect.kind === "reply" ? [effect] : []));
  }
}

const TAKE_OVER = ["grant-lease", "raise", "announce", "send-adverts", "remember"];
const passiveSince = (now: number, settings = secondary): Node =>
  new Node(settings).hears(now, activePeer);
const activeBeside = (now: number, settings = primary): Node =>
  new Node(settings, adoptElection(millis(0), settings, 5, 0)).hears(now, passivePeer);

test("a passive node takes over once the peer is silent past deadtime, not one millisecond before", () => {
  const node = passiveSince(0);
  assert.equal(conditionOf(node.at(1000, { kind: "deadline" }).state), "passive");
  node.at(1001, { kind: "deadline" });
  assert.equal(node.state.phase, "active");
  assert.deepEqual(node.kinds().slice(0, 6), [
    "record",
    "tell-condition",
    ...TAKE_OVER.slice(0, 4),
  ]);
  assert.equal(node.state.epoch, 6, "the claim is above every claim before");
});

test("a take over never comes before the end of the lease that the dead peer advertised", () => {
  const node = passiveSince(0).hears(1, { ...activePeer, leaseMs: 30_000 });
  assert.equal(node.at(30_051, { kind: "deadline" }).state.phase, "passive");
  assert.equal(node.at(30_052, { kind: "deadline" }).state.phase, "active");
});

/** All the moments at which a node asks to be woken, from one of them to the next. */
function deadlines(node: Node, from: number): number[] {
  const found: number[] = [];
  const due = (now: number) => nextDeadline(node.state, node.settings, now as Millis);
  for (let at = due(from); at !== undefined && found.length < 100; at = due(at)) {
    found.push(at);
    node.at(at, { kind: "deadline" });
    if (conditionOf(node.state) === "active") break;
  }
  return found;
}

test("a silent peer is suspected at warntime, then probed, and dead at deadtime", () => {
  const node = passiveSince(500);
  const found = deadlines(node, 501);
  console.log(`woken at ${found.join(", ")}`);
  assert.equal(found[0], 1001);
  assert.equal(found.at(-1), 1501);
  assert.equal(node.state.phase, "active");
  assert.equal(deadlines(new Node(primary), 1).at(-1), 31_001);
});

test("a node that may not claim is not woken without end", () => {
  const unready = passiveSince(0).at(1, {
    kind: "local",
    ready: false,
    faults: 0,
    pingsLost: 0,
    isolated: false,
  });
  assert.ok(deadlines(unready, 2).length < 30);
  const deaf = passiveSince(0).at(1, {
    kind: "local",
    ready: true,
    faults: 2,
    pingsLost: 0,
    isolated: true,
  });
  assert.deepEqual(deadlines(deaf, 2), []);
  deaf.at(3, { kind: "local", ready: true, faults: 0, pingsLost: 0, isolated: false });
  const turn = 200 + 150 + 50;
  assert.equal(deadlines(deaf, 3).at(-1), 1004 + turn, "the primary may be back just now, too");
});

test("a node that hears nothing after its start waits initdead", () => {
  const node = new Node(primary);
  assert.equal(node.at(31_000, { kind: "deadline" }).state.phase, "starting");
  assert.equal(node.at(31_001, { kind: "deadline" }).state.phase, "active");
});

test("a single appliance claims at once, with a lease that never ends", () => {
  const node = new Node(single).at(1, { kind: "tick" });
  assert.equal(node.state.phase, "active");
  assert.equal(leaseLength(node.state, single, millis(1)), null);
});

test("a node whose forwarder has not loaded its rules never claims", () => {
  const node = new Node(primary).at(10, {
    kind: "local",
    ready: false,
    faults: 0,
    pingsLost: 0,
    isolated: false,
  });
  assert.equal(node.at(100_000, { kind: "tick" }).state.phase, "starting");
  assert.equal(node.hears(100_001, { ...activePeer, yielding: true }).state.phase, "starting");
  node.at(100_002, { kind: "make-active", designation: "primary", by: "an operator" });
  assert.equal(node.replies()[0]?.done, false);
});

test("two starting nodes that hear each other agree on the primary at once", () => {
  const one = new Node(primary).hears(50, passivePeer).at(60, { kind: "tick" });
  const two = new Node(secondary).hears(50, passivePeer).at(60, { kind: "tick" });
  assert.equal(one.state.phase, "active");
  assert.equal(two.state.phase, "starting");
});

test("where the primary cannot claim the secondary does, one deadtime later; one that can is left five", () => {
  const claimsAt = (said: PeerSaid): number | undefined => {
    const node = new Node(secondary);
    for (let now = 0; now <= 7000; now += 200) {
      node.hears(now, said).at(now + 1, { kind: "tick" });
      if (node.state.phase === "active") return now;
    }
    return undefined;
  };
  assert.equal(claimsAt({ ...passivePeer, ready: false }), 1000);
  assert.equal(claimsAt({ ...passivePeer, deaf: true }), 1000);
  assert.equal(claimsAt(passivePeer), 5000);
});

test("the lease is short while the peer lives and long once it is dead", () => {
  const node = activeBeside(0);
  assert.equal(leaseLength(node.state, primary, millis(1000)), 800);
  assert.equal(leaseLength(node.state, primary, millis(1001)), 30_000);
});

test("a peer that comes back shortens the lease at once, before anything else", () => {
  const node = activeBeside(0).at(5000, { kind: "tick" });
  assert.ok(node.kinds().includes("record"), "its silence was told");
  node.hears(6000, passivePeer);
  assert.equal(node.kinds()[0], "refresh-lease");
});

test("an active that hears a higher claim stands down: quiet first, then lowered, then told", () => {
  const node = activeBeside(0).hears(10, { ...activePeer, epoch: 6, highestEpoch: 6 });
  assert.equal(node.state.phase, "passive");
  assert.deepEqual(node.kinds().slice(1, 5), [
    "revoke-lease",
    "stop-announcing",
    "lower",
    "send-adverts",
  ]);
});

test("of two equal claims the primary's stands, and is renewed above both", () => {
  const winner = activeBeside(0).hears(10, activePeer);
  assert.equal(winner.state.phase, "active");
  assert.equal(winner.state.epoch, 6);
  assert.ok(winner.kinds().includes("announce"), "the winner announces again");
  const loser = activeBeside(0, secondary).hears(10, activePeer);
  assert.equal(loser.state.phase, "passive");
});

test("a hand-over goes quiet, waits for the peer's claim, then lowers", () => {
  const node = activeBeside(0).at(10, {
    kind: "make-active",
    designation: "secondary",
    by: "an operator",
  });
  assert.equal(node.state.phase, "handing-over");
  assert.deepEqual(node.kinds().slice(0, 3), ["revoke-lease", "stop-announcing", "send-adverts"]);
  assert.equal(conditionOf(node.state), "active", "it still forwards and holds the addresses");
  node.hears(20, { ...activePeer, epoch: 6, highestEpoch: 6 });
  assert.equal(node.state.phase, "passive");
  assert.ok(node.kinds().includes("lower"));
  assert.deepEqual(
    node.replies().map((reply) => reply.done),
    [true],
  );
});

test("a hand-over that a living peer does not answer is rolled back", () => {
  const node = activeBeside(0).at(10, { kind: "make-active", designation: "secondary", by: "x" });
  node.at(900, { kind: "advert", peer: passivePeer });
  assert.equal(node.at(1009, { kind: "deadline" }).state.phase, "handing-over");
  node.at(1010, { kind: "deadline" });
  assert.equal(node.state.phase, "handing-over", "the offer is taken back first");
  node.at(1155, { kind: "advert", peer: passivePeer });
  assert.equal(node.at(1159, { kind: "deadline" }).state.phase, "handing-over");
  node.at(1160, { kind: "deadline" });
  assert.equal(node.state.phase, "active");
  assert.ok(node.kinds().includes("grant-lease"));
  assert.deepEqual(
    node.replies().map((reply) => reply.done),
    [false],
  );
});

test("an adopting node keeps what it inherited until it knows whether the peer lives", () => {
  const node = new Node(primary, adoptElection(millis(0), primary, 5, 25_000));
  assert.equal(leaseLength(node.state, primary, millis(500)), 25_000, "not shortened before");
  assert.equal(leaseLength(node.state, primary, millis(1001)), 30_000, "the peer is dead");
  node.hears(1100, passivePeer);
  assert.equal(leaseLength(node.state, primary, millis(1100)), 800);
});

test("an active without any carrier stands down once the peer is silent, and listens when it is back", () => {
  const node = activeBeside(0).at(1, {
    kind: "local",
    ready: true,
    faults: 2,
    pingsLost: 0,
    isolated: true,
  });
  assert.equal(node.at(1000, { kind: "tick" }).state.phase, "active");
  assert.equal(node.at(1200, { kind: "tick" }).state.phase, "starting");
  assert.equal(
    node.at(59_000, { kind: "tick" }).state.phase,
    "starting",
    "deaf, it claims nothing",
  );
  node.at(60_000, { kind: "local", ready: true, faults: 0, pingsLost: 0, isolated: false });
  assert.equal(node.at(61_000, { kind: "deadline" }).state.phase, "starting");
  assert.equal(node.at(61_001, { kind: "deadline" }).state.phase, "active");
});

test("a lone active without a carrier stays active: nobody else could be", () => {
  const node = new Node(single).at(1, { kind: "tick" });
  node.at(2, { kind: "local", ready: true, faults: 2, pingsLost: 0, isolated: true });
  assert.equal(node.at(60_000, { kind: "tick" }).state.phase, "active");
});

test("a passive node that is asked to be active wishes for it, and takes over when the peer yields", () => {
  const node = passiveSince(0).at(10, { kind: "make-active", designation: "secondary", by: "x" });
  assert.notEqual(node.state.request, null);
  assert.equal(node.state.phase, "passive");
  node.hears(20, { ...activePeer, yielding: true, leaseMs: 0 });
  assert.equal(node.state.phase, "active");
  assert.deepEqual(
    node.replies().map((reply) => reply.done),
    [true],
  );
});

test("an active that hears a wish of a ready peer hands over; of an unready one it does not", () => {
  const wish = { ...passivePeer, requesting: true };
  assert.equal(activeBeside(0).hears(10, { ...wish, ready: false }).state.phase, "active");
  assert.equal(activeBeside(0).hears(10, wish).state.phase, "handing-over");
});

test("an order to a passive node waits for the end of the lease that the silent peer told", () => {
  const node = passiveSince(0).hears(1, { ...activePeer, leaseMs: 3000 });
  node.at(1500, { kind: "make-active", designation: "secondary", by: "x" });
  assert.equal(node.state.phase, "passive", "the peer's kernel still answers");
  assert.equal(node.at(3051, { kind: "deadline" }).state.phase, "passive");
  node.at(3052, { kind: "deadline" });
  assert.deepEqual(
    node.replies().map((reply) => reply.done),
    [true],
  );
});

test("an order to a node that has only just started waits until the peer could be heard", () => {
  const node = new Node(primary).at(10, { kind: "make-active", designation: "primary", by: "x" });
  assert.equal(node.state.phase, "starting");
  node.hears(20, activePeer).hears(40, { ...activePeer, yielding: true, leaseMs: 0 });
  assert.equal(node.state.phase, "active");
});

test("a node claims only once the yielding peer's kernel no longer answers", () => {
  const node = passiveSince(0).hears(10, { ...activePeer, yielding: true, leaseMs: 300 });
  assert.equal(node.state.phase, "passive");
  node.hears(210, { ...activePeer, yielding: true, leaseMs: 0 });
  assert.equal(node.state.phase, "active");
});

test("handing over, a node stands down for any claim of the peer, and the order is answered", () => {
  const node = activeBeside(0).at(10, { kind: "stop", why: "SIGTERM" });
  node.hears(20, { ...activePeer, epoch: 3, highestEpoch: 5 });
  assert.equal(node.state.phase, "passive");
  assert.equal(node.kinds().at(-1), "exit");
});

test("of two actives the one that is not heard stands down, whatever its claim", () => {
  const node = activeBeside(0);
  const deaf = { ...activePeer, epoch: 4, deaf: true };
  assert.equal(node.hears(10, deaf).state.phase, "active", "it may hear us with its next advert");
  assert.equal(node.hears(210, { ...deaf, deaf: false }).state.phase, "active");
  assert.equal(node.hears(410, deaf).state.phase, "active");
  assert.equal(node.hears(809, deaf).state.phase, "active");
  assert.equal(node.hears(810, deaf).state.phase, "passive");
});

test("a peer that falls silent in a hand-over has the first turn: it may have claimed already", () => {
  const node = activeBeside(0).at(10, { kind: "make-active", designation: "secondary", by: "x" });
  const done: boolean[] = [];
  for (let now = 100; now <= 900; now += 100) {
    node.at(now, { kind: "deadline" });
    done.push(...node.replies().map((reply) => reply.done));
  }
  assert.equal(node.state.phase, "starting");
  assert.deepEqual(done, [false]);
  for (let now = 1000; now <= 2500; now += 100) node.at(now, { kind: "deadline" });
  assert.equal(node.state.phase, "starting", "the peer has two deadtimes");
  for (let now = 2600; now <= 3000; now += 100) node.at(now, { kind: "deadline" });
  assert.equal(node.state.phase, "active", "it is dead, so this node goes on");
});

test("a hand-over does not roll back right after a stall: the claim may be under way", () => {
  const node = activeBeside(0).at(10, { kind: "make-active", designation: "secondary", by: "x" });
  node.at(5000, { kind: "stalled", lateMs: 4500 }).at(5001, { kind: "deadline" });
  assert.equal(node.state.phase, "handing-over");
  node.at(5010, { kind: "advert", peer: passivePeer });
  node.at(5400, { kind: "deadline" }).at(5450, { kind: "advert", peer: passivePeer });
  assert.equal(node.at(5560, { kind: "deadline" }).state.phase, "active");
});

test("a wish that is not granted ends with a refusal and changes nothing", () => {
  const node = passiveSince(0).at(10, { kind: "make-active", designation: "secondary", by: "x" });
  for (let now = 200; now <= 2000; now += 200) node.hears(now, activePeer);
  node.at(2010, { kind: "deadline" });
  assert.equal(node.state.phase, "passive");
  assert.deepEqual(
    node.replies().map((reply) => reply.done),
    [false],
  );
});

test("a node that lost its lease stands down and listens before any new claim", () => {
  const node = activeBeside(0).at(5000, { kind: "lease-lost", why: "frozen for 5 s" });
  assert.equal(node.state.phase, "starting");
  assert.deepEqual(node.kinds().slice(0, 3), ["revoke-lease", "stop-announcing", "lower"]);
  assert.equal(node.at(6000, { kind: "deadline" }).state.phase, "starting");
  node.hears(6001, { ...activePeer, epoch: 9, highestEpoch: 9 });
  assert.equal(node.state.phase, "passive");
});

test("a stalled judge gives the peer two more keepalives", () => {
  const node = passiveSince(4000).at(5000, { kind: "stalled", lateMs: 500 });
  assert.equal(node.at(5400, { kind: "deadline" }).state.phase, "passive");
  assert.equal(node.at(5401, { kind: "deadline" }).state.phase, "active");
});

test("a passive node that was away for a deadtime waits for the long lease the peer may have taken", () => {
  const node = passiveSince(0).at(5000, { kind: "stalled", lateMs: 4000 });
  assert.equal(node.at(35_050, { kind: "deadline" }).state.phase, "passive");
  assert.equal(node.at(35_051, { kind: "deadline" }).state.phase, "active");
  const heard = passiveSince(0).at(5000, { kind: "stalled", lateMs: 4000 }).hears(5001, activePeer);
  assert.equal(heard.at(6002, { kind: "deadline" }).state.phase, "active", "it told its lease");
});

test("worse health hands over after one deadtime, equal health decides nothing", () => {
  const node = activeBeside(0).at(1, {
    kind: "local",
    ready: true,
    faults: 1,
    pingsLost: 0,
    isolated: false,
  });
  node.hears(100, passivePeer).at(101, { kind: "tick" });
  node.hears(1000, passivePeer).at(1100, { kind: "tick" });
  assert.equal(node.state.phase, "active");
  node.at(1101, { kind: "tick" });
  assert.equal(node.state.phase, "handing-over");

  const equal = activeBeside(0).at(1, {
    kind: "local",
    ready: true,
    faults: 1,
    pingsLost: 0,
    isolated: false,
  });
  for (let now = 100; now < 5000; now += 200) {
    equal.hears(now, { ...passivePeer, faults: 1 }).at(now + 1, { kind: "tick" });
  }
  assert.equal(equal.state.phase, "active");
});

test("two short troubles with a moment of health between two ticks are not one long one", () => {
  const node = activeBeside(0);
  const local = (now: number, faults: number) =>
    node.at(now, { kind: "local", ready: true, faults, pingsLost: 0, isolated: false });
  const tick = (now: number) => node.hears(now, passivePeer).at(now, { kind: "tick" });
  local(100, 1);
  for (const now of [200, 400, 600]) tick(now);
  local(610, 0);
  local(620, 1);
  for (const now of [800, 1000, 1200, 1400]) tick(now);
  assert.equal(node.state.phase, "active");
  for (const now of [1600, 1800]) tick(now);
  assert.equal(node.state.phase, "handing-over", "the second trouble lasted");
});

test("without auto-failback a primary that is back stays passive", () => {
  const node = passiveSince(0, primary);
  for (let now = 200; now < 60_000; now += 200)
    node.hears(now, activePeer).at(now, { kind: "tick" });
  assert.equal(node.state.request, null);
});

test("with auto-failback the primary asks once it has been well for ten deadtimes", () => {
  const node = passiveSince(0, { ...primary, autoFailback: true });
  let asked: number | undefined;
  for (let now = 200; now < 20_000 && asked === undefined; now += 200) {
    node.hears(now, activePeer).at(now, { kind: "tick" });
    if (node.state.request !== null) asked = now;
  }
  assert.equal(asked, 10_000);
});

test("stopping an active node with a living, ready peer hands over first and then exits", () => {
  const node = activeBeside(0).at(10, { kind: "stop", why: "SIGTERM" });
  assert.equal(node.state.phase, "handing-over");
  node.hears(20, { ...activePeer, epoch: 6, highestEpoch: 6 });
  assert.equal(node.kinds().at(-1), "exit");
});

test("stopping a node without a living peer keeps the addresses", () => {
  const node = activeBeside(0).at(5000, { kind: "stop", why: "SIGTERM" });
  assert.deepEqual(node.kinds(), ["exit"]);
});

test("every claim in a random life of two nodes is above every claim before", () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  let x = seed;
  const random = () => {
    x = (Math.imul(x, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return x / 0x7fff_ffff;
  };
  const said = (node: Node, now: number): PeerSaid => ({
    active: conditionOf(node.state) === "active",
    ready: node.state.ready,
    yielding: node.state.phase === "handing-over",
    requesting: node.state.request !== null,
    forHealth: false,
    deaf: false,
    faults: node.state.faults,
    pingsLost: node.state.pingsLost,
    leaseMs:
      node.state.phase === "active"
        ? (leaseLength(node.state, node.settings, now as Millis) ?? 0)
        : 0,
    epoch: node.state.epoch,
    highestEpoch: node.state.highestEpoch,
  });
  const nodes = [new Node(primary), new Node(secondary)] as const;
  const claims: number[] = [];
  for (let now = 0; now < 600_000; now += 100) {
    const lost = random() < 0.3;
    for (const [i, node] of nodes.entries()) {
      const peer = nodes[1 - i] ?? node;
      const before = node.state.epoch;
      if (!lost) node.hears(now, said(peer, now));
      if (random() < 0.01) node.at(now, { kind: "lease-lost", why: "test" });
      if (random() < 0.01) {
        node.at(now, { kind: "make-active", designation: "secondary", by: "test" });
      }
      node.at(now, { kind: "tick" });
      if (node.state.epoch !== before) claims.push(node.state.epoch);
    }
  }
  const heard = nodes.map((node) => node.state.highestEpoch);
  console.log(`seed ${seed}: ${claims.length} claims, highest seen ${heard.join(" and ")}`);
  assert.ok(claims.length > 50);
  for (const [i, epoch] of claims.entries()) {
    assert.ok(i === 0 || epoch > (claims[i - 1] ?? 0), `SEED=${seed}: claim ${i} is ${epoch}`);
  }
});

test("an order to make a node active that has more faults is not undone by health, until a new fault", () => {
  const node = passiveSince(0).at(1, {
    kind: "local",
    ready: true,
    faults: 1,
    pingsLost: 0,
    isolated: false,
  });
  node.hears(10, { ...activePeer, yielding: true, leaseMs: 0 });
  assert.equal(node.state.phase, "active");
  const passes = (from: number, to: number) => {
    for (let now = from; now <= to; now += 200)
      node.hears(now, passivePeer).at(now, { kind: "tick" });
  };
  passes(20, 5000);
  assert.equal(node.state.phase, "active", "what the operator ordered stays");
  node.at(5001, { kind: "local", ready: true, faults: 2, pingsLost: 0, isolated: false });
  passes(5010, 6500);
  assert.equal(node.state.phase, "handing-over", "a new fault counts");
});

test("a hand-over for the sake of health is not put up with by the node that takes over", () => {
  const node = passiveSince(0).at(1, {
    kind: "local",
    ready: true,
    faults: 1,
    pingsLost: 0,
    isolated: false,
  });
  node.hears(10, { ...activePeer, yielding: true, leaseMs: 0, forHealth: true, faults: 2 });
  assert.equal(node.state.tolerated, 0);
});

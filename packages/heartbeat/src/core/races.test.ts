// races.test.ts — what the simulation found: claims, hand-overs and pauses that meet each other.
// long: one test for each race, of one shape.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Millis, millis } from "@lbpair/common/light";
import {
  adoptElection,
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  type PeerSaid,
  startElection,
} from "./election-state.js";
import { Heart } from "./heart.js";
import type { HeartPorts } from "./ports.js";
import { PASSIVE_PEER, PRIMARY, stepBlind } from "./sample-election.js";

const primary = PRIMARY;
const passivePeer = PASSIVE_PEER;

type Happened = readonly (readonly [now: number, event: ElectionEvent])[];
function after(settings: ElectionSettings, happened: Happened): ElectionState {
  let state = startElection(millis(0), settings, 0);
  for (const [now, event] of happened) [state] = stepBlind(state, event, now as Millis, settings);
  return state;
}
/** When a node that hears nothing more claims, looked at each millisecond. */
function nextClaim(
  begun: ElectionState,
  settings: ElectionSettings,
  from: number,
): number | undefined {
  let state = begun;
  for (let now = from; now < from + 10_000; now += 1) {
    [state] = stepBlind(state, { kind: "deadline" }, now as Millis, settings);
    if (state.phase === "active") return now;
  }
  return undefined;
}
const local = (ready: boolean): ElectionEvent => {
  return { kind: "local", ready, faults: 0, pingsLost: 0, isolated: false };
};
const hears = (peer: PeerSaid, old = false): ElectionEvent => ({ kind: "advert", peer, old });
const tick: ElectionEvent = { kind: "tick" };

test("two that hand over to each other do not both go back: the lower claim becomes passive and takes over", () => {
  const yielding = { ...passivePeer, active: true, yielding: true, epoch: 2, highestEpoch: 2 };
  const order = { kind: "make-active", designation: "secondary", by: "an operator" } as const;
  const handing = after(primary, [
    [0, local(true)],
    [10, hears(passivePeer)],
    [20, tick],
    [30, order],
  ]);
  assert.equal(handing.phase, "handing-over");
  const [passive] = stepBlind(handing, hears(yielding), 40 as Millis, primary);
  assert.equal(passive.phase, "passive");
  const [active] = stepBlind(passive, hears(yielding), 50 as Millis, primary);
  assert.deepEqual([active.phase, active.epoch], ["active", 3]);
});

test("that both are passive is believed while the peer is heard, not past warntime", () => {
  const heard: Happened = [
    [0, local(false)],
    [10, hears(passivePeer)],
    [610, tick],
  ];
  const late = after(primary, [...heard, [620, local(true)], [630, tick]]);
  assert.equal(late.phase, "starting");
  const fresh = after(primary, [
    ...heard,
    [620, local(true)],
    [625, hears(passivePeer)],
    [630, tick],
  ]);
  assert.equal(fresh.phase, "active");
});

test("after a pause of its own nobody believes that both are still passive", () => {
  const begun: Happened = [
    [0, local(true)],
    [10, hears(passivePeer)],
    [20, { kind: "stalled", lateMs: 500 }],
  ];
  assert.equal(after(primary, [...begun, [30, tick]]).phase, "starting");
  assert.equal(after(primary, [...begun, [30, hears(passivePeer)], [40, tick]]).phase, "active");
});

test("a primary that becomes ready late claims on a word of after that: the secondary may have claimed just before", () => {
  const begun: Happened = [
    [0, local(false)],
    [10, hears(passivePeer)],
    [100, local(true)],
  ];
  assert.equal(after(primary, [...begun, [110, tick]]).phase, "starting");
  assert.equal(after(primary, [...begun, [210, hears(passivePeer)], [220, tick]]).phase, "active");
});

test("a primary that could not hear the secondary says that it hears it again before it claims", () => {
  const begun: Happened = [
    [0, local(true)],
    [5000, hears(passivePeer)],
  ];
  assert.equal(after(primary, [...begun, [5010, tick]]).phase, "starting");
  const late: Happened = [...begun, [5180, hears(passivePeer)]];
  assert.equal(after(primary, [...late, [5210, tick]]).phase, "starting");
  assert.equal(after(primary, [...late, [5380, hears(passivePeer)], [5410, tick]]).phase, "active");
});

test("of two that become ready together after a long silence the secondary waits for its turn", () => {
  const secondary: ElectionSettings = { ...primary, designation: "secondary" };
  const begun: Happened = [
    [0, local(false)],
    [10, hears(passivePeer)],
    [9000, local(true)],
  ];
  assert.equal(nextClaim(after(primary, begun), primary, 9000), 9000);
  assert.equal(nextClaim(after(secondary, begun), secondary, 9000), 9401);
});

test("one word of another run, which may be a recording, makes no vacancy", () => {
  const active = { ...passivePeer, active: true, leaseMs: 800, epoch: 1, highestEpoch: 1 };
  const other: ElectionEvent = { kind: "advert", peer: passivePeer, met: true };
  const begun: Happened = [
    [0, local(true)],
    [10, hears(active)],
    [200, other],
  ];
  assert.equal(after(primary, [...begun, [220, tick]]).phase, "passive");
  const goesOn: Happened = [...begun, [410, hears(passivePeer)]];
  assert.equal(after(primary, [...goesOn, [420, tick]]).phase, "active");
});

test("nobody claims as both were passive on a word that is older than a keepalive", () => {
  const secondary: ElectionSettings = { ...primary, designation: "secondary" };
  const unready = hears({ ...passivePeer, ready: false });
  const words: Happened = [0, 200, 400, 600, 800, 1000].map((now) => [now + 1, unready]);
  const begun: Happened = [[0, local(true)], ...words];
  assert.equal(after(secondary, [...begun, [1300, tick]]).phase, "starting");
  assert.equal(after(secondary, [...begun, [1240, tick]]).phase, "active");
});

test("two that were cut off from each other and from a network do not claim together when it is back", () => {
  const secondary: ElectionSettings = { ...primary, designation: "secondary" };
  const active = { ...passivePeer, active: true, leaseMs: 800, epoch: 1, highestEpoch: 1 };
  const dark: ElectionEvent = {
    kind: "local",
    ready: true,
    faults: 1,
    pingsLost: 0,
    isolated: true,
  };
  const begun: Happened = [
    [0, local(true)],
    [10, hears(active)],
    [20, dark],
    [5000, local(true)],
  ];
  const due = nextClaim(after(secondary, begun), secondary, 5000);
  const primaryClaims = nextClaim(after(primary, begun), primary, 5000);
  assert.deepEqual([primaryClaims, due], [6001, 6401]);
});

test("a refreshed lease ends before the peer has waited for a deadtime since the last advert", () => {
  const slow = { ...primary, keepalive: 2000, warntime: 2600, deadtime: 5000, lease: 4100 };
  const time = { now: 0 };
  const asked: unknown[] = [];
  const lease = {
    held: true,
    length: 4100,
    lapsed: () => false,
    mayAnswerMs: () => 0,
    refresh: (length: unknown) => asked.push(length),
    revokeAtOnce: () => undefined,
  };
  const ports = new Proxy({} as HeartPorts, {
    get: (_, name) => {
      if (name === "lease") return lease;
      if (name === "now") return () => time.now;
      if (name === "suspendedMs") return () => 0;
      return name === "drain" ? (drained: () => void) => drained() : () => undefined;
    },
  });
  const heart = new Heart(ports, slow, adoptElection(millis(0), slow, 1, 0));
  heart.start(heart.state);
  heart.dispatch(hears(passivePeer));
  heart.say();
  time.now = 2000;
  heart.keepalive(0, () => undefined);
  heart.say();
  time.now = 2010;
  heart.keepalive(0, () => undefined);
  assert.deepEqual(asked, [2950, 4100]);
});

test("when both become ready together only the primary claims", () => {
  const secondary: ElectionSettings = { ...primary, designation: "secondary" };
  const unready = { ...passivePeer, ready: false };
  const begun: Happened = [
    [0, local(false)],
    [10, hears(unready)],
    [2000, hears(unready)],
    [2010, local(true)],
  ];
  assert.equal(after(secondary, [...begun, [2020, tick]]).phase, "starting");
  assert.equal(after(secondary, [...begun, [3000, hears(unready)], [3020, tick]]).phase, "active");
});

test("old mail of a passive peer makes nobody claim", () => {
  assert.equal(
    after(primary, [
      [0, local(true)],
      [10, hears(passivePeer, true)],
      [20, tick],
    ]).phase,
    "starting",
  );
  assert.equal(
    after(primary, [
      [0, local(true)],
      [10, hears(passivePeer)],
      [20, tick],
    ]).phase,
    "active",
  );
});

/** A heart whose kernel gives no lease, and what it asked for. */
function claiming(suspended: { ms: number }) {
  const time = { now: 0 };
  const lease = {
    held: false,
    length: null,
    lapsed: () => false,
    mayAnswerMs: () => 0,
    refresh: () => undefined,
    revokeAtOnce: () => undefined,
  };
  const ports = new Proxy({ lease } as unknown as HeartPorts, {
    get: (target, name) => {
      if (name === "lease") return target.lease;
      if (name === "now") return () => time.now as Millis;
      return name === "suspendedMs" ? () => suspended.ms : () => undefined;
    },
  });
  const heart = new Heart(ports, primary, startElection(millis(0), primary, 0));
  heart.start(heart.state);
  heart.dispatch(local(true));
  heart.dispatch(hears(passivePeer));
  heart.dispatch(tick);
  assert.equal(heart.state.phase, "active");
  return { heart, time };
}

test("a claim from before a pause gets no lease after it", () => {
  const { heart, time } = claiming({ ms: 0 });
  time.now = 300;
  assert.equal(heart.wants({ kind: "grant-lease" }), true, "a slow moment is no pause");
  time.now = 5000;
  assert.equal(heart.wants({ kind: "grant-lease" }), false);
  assert.equal(heart.state.phase, "starting");
});

test("a claim that its kernel has not heard of for as long as the peer waits for a word is given up", () => {
  const { heart, time } = claiming({ ms: 0 });
  // Beats come, so it is no pause; what it claims waits behind a slow `ip`, and it says nothing.
  for (time.now = 200; time.now < 800; time.now += 200) heart.noticeStandstill();
  assert.equal(heart.wants({ kind: "grant-lease" }), true, "800 ms without a word");
  time.now = 801;
  assert.equal(heart.wants({ kind: "grant-lease" }), false);
  assert.equal(heart.state.phase, "starting");
});

test("a claim from before the machine was suspended gets no lease after it", () => {
  const suspended = { ms: 0 };
  const { heart, time } = claiming(suspended);
  time.now = 10;
  suspended.ms = 401;
  assert.equal(heart.wants({ kind: "grant-lease" }), false);
});

test("a beat whose judgement fails is over all the same, so that the next one comes", () => {
  const { heart } = claiming({ ms: 0 });
  const broken = new Proxy({} as HeartPorts, {
    get: (_, name) => {
      if (name === "lease")
        return { held: false, length: null, lapsed: () => false, mayAnswerMs: () => 0 };
      if (name === "now" || name === "suspendedMs") return () => 0;
      if (name === "drain") return (drained: () => void) => drained();
      if (name !== "stepped") return () => undefined;
      return () => {
        throw new Error("broken");
      };
    },
  });
  const ill = new Heart(broken, primary, heart.state);
  ill.start(heart.state);
  let over = 0;
  assert.throws(() => ill.keepalive(5000, () => (over += 1)), /broken/);
  assert.equal(over, 1);
});

test("a node that has become a single appliance gives nothing up to the peer it had", () => {
  const active = after(primary, [
    [0, local(true)],
    [10, hears(passivePeer)],
    [20, tick],
  ]);
  const alone = { ...primary, paired: false };
  const dark: ElectionEvent = {
    kind: "local",
    ready: true,
    faults: 1,
    pingsLost: 0,
    isolated: true,
  };
  const [isolated] = stepBlind(active, dark, 5000 as Millis, alone);
  const [next] = stepBlind(isolated, tick, 5010 as Millis, alone);
  assert.deepEqual([active.phase, next.phase], ["active", "active"]);
});

test("a primary that lost its lease while it could not hear says that it hears again before it claims", () => {
  const begun: Happened = [
    [0, local(true)],
    [10, hears({ ...passivePeer, yielding: true })],
    [800, { kind: "lease-lost", why: "it stood still" }],
    [1180, hears(passivePeer)],
  ];
  assert.equal(
    after(primary, [...begun, [1380, hears(passivePeer)], [1400, tick]]).phase,
    "starting",
  );
  const later: Happened = [...begun, [1380, hears(passivePeer)], [1580, hears(passivePeer)]];
  assert.equal(after(primary, [...later, [1600, tick]]).phase, "active");
});

test("whoever stays active tells the neighbours again when a peer that was away is heard, and when it has stood down", () => {
  let state = after(primary, [
    [0, local(true)],
    [10, hears(passivePeer)],
    [20, tick],
    [1100, tick],
  ]);
  assert.deepEqual([state.phase, state.toldAlive], ["active", false]);
  const announces = (peer: PeerSaid, now: number) => {
    const [next, effects] = stepBlind(state, hears(peer), now as Millis, primary);
    state = next;
    return effects.filter(({ kind }) => kind === "announce").length;
  };
  const active = { ...passivePeer, active: true, epoch: 0, highestEpoch: 1 };
  assert.equal(announces(passivePeer, 3000), 1, "it may have been active until just now");
  assert.equal(announces(passivePeer, 3200), 0);
  assert.equal(announces(active, 3400), 1, "this node's claim is the higher one");
  assert.equal(announces(passivePeer, 3600), 1, "what it said last may be what is remembered");
  assert.equal(announces(passivePeer, 3800), 0);
  assert.equal(state.phase, "active");
});

test("after a pause no address is raised before all that came meanwhile was heard, and then only where this node stays active", () => {
  const afterPause = (heard: (heart: Heart) => void) => {
    const time = { now: 0 };
    const drained: (() => void)[] = [];
    const asked: string[] = [];
    const lease = {
      held: true,
      length: 30_000,
      lapsed: () => false,
      mayAnswerMs: () => 0,
      revokeAtOnce: () => undefined,
    };
    const ports = new Proxy({} as HeartPorts, {
      get: (_, name) => {
        if (name === "lease") return lease;
        if (name === "now") return () => time.now as Millis;
        if (name === "suspendedMs") return () => 0;
        if (name === "drain") return (done: () => void) => drained.push(done);
        if (name !== "perform") return () => undefined;
        return (effects: readonly { kind: string }[]) =>
          asked.push(...effects.map(({ kind }) => kind));
      },
    });
    const heart = new Heart(ports, primary, adoptElection(millis(0), primary, 1, 0));
    heart.start(heart.state);
    assert.equal(heart.wants({ kind: "raise" }), true);
    time.now = 8000;
    assert.equal(heart.wants({ kind: "raise" }), false);
    heard(heart);
    asked.length = 0;
    for (const done of drained) done();
    return asked.filter((kind) => kind === "raise" || kind === "announce");
  };
  assert.deepEqual(
    afterPause(() => undefined),
    ["raise", "announce"],
  );
  const claimed = { ...passivePeer, active: true, epoch: 9, highestEpoch: 9 };
  assert.deepEqual(
    afterPause((heart) => heart.dispatch(hears(claimed))),
    [],
  );
});

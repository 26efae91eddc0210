// races.test.ts — what the simulation found: claims, hand-overs and pauses that meet each other.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Millis, millis } from "@lbpair/common/light";
import { step } from "./election.js";
import {
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  type PeerSaid,
  startElection,
} from "./election-state.js";
import { Heart } from "./heart.js";
import type { HeartPorts } from "./ports.js";

const primary: ElectionSettings = {
  designation: "primary",
  paired: true,
  keepalive: 200,
  warntime: 500,
  deadtime: 1000,
  initdead: 31_000,
  lease: 800,
  loneLease: 30_000,
  autoFailback: false,
  healthDamping: 1000,
  pingDamping: 2900,
  flapLimit: 3,
  flapWindow: 600_000,
  flapHold: 1_800_000,
  whenIsolated: "wait",
  whenVipAnswers: "wait",
};
const passivePeer: PeerSaid = {
  active: false,
  ready: true,
  yielding: false,
  requesting: false,
  forHealth: false,
  deaf: false,
  faults: 0,
  pingsLost: 0,
  leaseMs: 0,
  epoch: 0,
  highestEpoch: 0,
};

type Happened = readonly (readonly [now: number, event: ElectionEvent])[];
function after(settings: ElectionSettings, happened: Happened): ElectionState {
  let state = startElection(millis(0), settings, 0);
  for (const [now, event] of happened) [state] = step(state, event, now as Millis, settings);
  return state;
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
  const [passive] = step(handing, hears(yielding), 40 as Millis, primary);
  assert.equal(passive.phase, "passive");
  const [active] = step(passive, hears(yielding), 50 as Millis, primary);
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
      if (name === "lease") return { held: false, length: null, lapsed: () => false };
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
  const [isolated] = step(active, dark, 5000 as Millis, alone);
  const [next] = step(isolated, tick, 5010 as Millis, alone);
  assert.deepEqual([active.phase, next.phase], ["active", "active"]);
});

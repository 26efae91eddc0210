import assert from "node:assert/strict";
import { test } from "node:test";
import { type Millis, millis } from "@lbpair/common";
import type { Effect } from "./effects.js";
import { step } from "./election.js";
import {
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  startElection,
} from "./election-state.js";
import { ACTIVE_PEER, SECONDARY } from "./sample-election.js";
import type { WitnessView } from "./witness-view.js";

const settings = SECONDARY;
const activePeer = ACTIVE_PEER;
const view = (fields: Partial<WitnessView> = {}): WitnessView => ({
  able: true,
  cut: 0,
  peerAnsweredAt: null,
  rounds: 1,
  stranger: null,
  ...fields,
});

class Watcher {
  state: ElectionState;
  readonly own: ElectionSettings;
  readonly effects: Effect[] = [];
  constructor(own: Partial<ElectionSettings> = {}, faults = 0) {
    this.own = { ...settings, ...own };
    this.state = startElection(millis(0), this.own, 0);
    this.at(0, { kind: "local", ready: true, faults, pingsLost: 0, isolated: false });
    this.at(0, { kind: "advert", peer: activePeer });
  }
  at(now: number, event: ElectionEvent): this {
    const [state, effects] = step(this.state, event, now as Millis, this.own);
    this.state = state;
    this.effects.push(...effects);
    return this;
  }
  count(kind: Effect["kind"]): number {
    return this.effects.filter((effect) => effect.kind === kind).length;
  }
  /** Ticks each 10 ms, with what the witnesses say then. */
  until(end: number, says: (now: number) => WitnessView | undefined, from = 10): this {
    for (let now = from; now <= end; now += 10) {
      const said = says(now);
      if (said !== undefined && this.state.suspecting) {
        const rounds = said.rounds === 0 ? 0 : now;
        this.at(now, { kind: "witness", view: { ...said, rounds } });
      }
      this.at(now, { kind: "deadline" });
    }
    return this;
  }
}

test("past warntime the peer is probed many times before its silence is death", () => {
  const node = new Watcher().until(990, () => view());
  console.log(`${node.count("probe")} probes`);
  assert.ok(node.count("probe") >= 12);
  assert.equal(node.count("suspect"), 1);
  assert.equal(node.state.phase, "passive");
  node.until(1010, () => view(), 1000);
  assert.equal(node.state.phase, "active");
  assert.equal(node.count("trust"), 1);
});

test("one advert ends the suspicion, and its witnesses", () => {
  const node = new Watcher().until(900, () => view());
  node.at(905, { kind: "advert", peer: activePeer });
  assert.equal(node.state.suspecting, false);
  assert.equal(node.count("trust"), 1);
  node.until(1400, () => view(), 910);
  assert.equal(node.count("suspect"), 1);
});

test("while a floating IP is answered by the peer itself nobody takes over, and an alarm says why, once", () => {
  const node = new Watcher().until(8000, (now) => view({ peerAnsweredAt: (now - 5) as Millis }));
  assert.equal(node.state.phase, "passive");
  const alarms = node.effects.filter(
    (effect) => effect.kind === "record" && effect.event === "take-over-held-back",
  );
  assert.equal(alarms.length, 1);
  node.until(8400, () => view({ peerAnsweredAt: 8000 as Millis }), 8010);
  assert.equal(node.state.phase, "active", "its last answer is too old to count");
});

test("where the policy says so, an answered floating IP delays a take over by one deadtime", () => {
  const answered = (now: number) => view({ peerAnsweredAt: now as Millis });
  const node = new Watcher({ whenVipAnswers: "take-over" }).until(1990, answered);
  assert.equal(node.state.phase, "passive");
  assert.equal(node.until(2020, answered, 2000).state.phase, "active");
});

test("a stranger that answers for a floating IP delays nothing", () => {
  const stranger = { address: "192.168.200.100", mac: "02:00:00:00:00:99" };
  const node = new Watcher().until(1010, () => view({ stranger }));
  assert.equal(node.state.phase, "active");
});

test("a node cut off from a network where the silent peer was well waits; an operator overrules it", () => {
  const node = new Watcher({}, 1).until(5000, () => view({ cut: 1 }));
  assert.equal(node.state.phase, "passive");
  node.at(5001, { kind: "make-active", designation: "secondary", by: "an operator" });
  assert.equal(node.state.phase, "active");
  const bold = new Watcher({ whenIsolated: "take-over" }, 1).until(1010, () => view({ cut: 1 }));
  assert.equal(bold.state.phase, "active");
});

test("a network on which nobody is heard any more holds back like one without carrier", () => {
  const node = new Watcher().until(5000, () => view({ cut: 1 }));
  assert.equal(node.state.phase, "passive");
});

test("a node that is no longer cut off listens for one deadtime before it claims, a secondary for its turn too", () => {
  const node = new Watcher().until(3000, () => view({ cut: 1 }));
  node.until(4400, () => view(), 3010);
  assert.equal(node.state.phase, "passive", "the peer may be heard again any moment");
  assert.equal(node.until(4440, () => view(), 4410).state.phase, "active");
});

test("an equal loss on both sides holds nobody back", () => {
  const node = new Watcher({}, 1);
  node.at(5, { kind: "advert", peer: { ...activePeer, faults: 1 } });
  assert.equal(node.until(1020, () => view({ cut: 1 })).state.phase, "active");
});

test("where no witness can be asked, silence alone decides", () => {
  const node = new Watcher().until(1010, () => view({ able: false, rounds: 0 }));
  assert.equal(node.state.phase, "active");
});

test("witnesses that have not answered yet are waited for, one deadtime at most", () => {
  const node = new Watcher().until(1500, () => view({ rounds: 0 }));
  assert.equal(node.state.phase, "passive");
  assert.equal(node.until(2020, () => view({ rounds: 0 }), 1510).state.phase, "active");
});

test("an operator's order to a node that is held back is answered", () => {
  const answered = (now: number) => view({ peerAnsweredAt: now as Millis });
  const node = new Watcher().until(1500, answered);
  node.at(1501, { kind: "make-active", designation: "secondary", by: "an operator" });
  node.until(5000, answered, 1510);
  const replies = node.effects.filter((effect) => effect.kind === "reply");
  assert.deepEqual(
    replies.map((reply) => reply.kind === "reply" && reply.done),
    [false],
  );
  assert.equal(node.state.phase, "passive");
});

test("a node that was away when the suspicion should have begun asks the witnesses before it claims", () => {
  const away = new Watcher();
  away.at(1400, { kind: "tick" });
  assert.equal(away.state.phase, "passive");
  assert.ok(away.state.suspecting);
  // Nobody says that witnesses cannot be asked, or that they can: then silence decides after all.
  assert.equal(away.at(2400, { kind: "tick" }).state.phase, "passive");
  assert.equal(away.at(2401, { kind: "tick" }).state.phase, "active");
});

test("a claim rests on a round of questions that has just been over", () => {
  const missing = new Watcher();
  // One round counts; of the later ones this node was not awake for the answers.
  missing.until(650, () => view({}));
  const rounds = missing.state.witness?.rounds ?? 0;
  for (let now = 660; now <= 1900; now += 50) {
    missing.at(now, { kind: "witness", view: view({ rounds }) });
    assert.equal(missing.state.phase, "passive", `${now} ms`);
  }
  missing.at(1950, { kind: "witness", view: view({ rounds: rounds + 1 }) });
  assert.equal(missing.state.phase, "active");
});

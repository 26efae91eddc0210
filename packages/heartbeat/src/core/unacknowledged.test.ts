// unacknowledged.test.ts — what the kernel has not acknowledged: nobody says it, and a peer that says it is waited for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@lbpair/common/light";
import {
  adoptElection,
  type ElectionEvent,
  type PeerSaid,
  startElection,
} from "./election-state.js";
import { Heart } from "./heart.js";
import type { HeartPorts } from "./ports.js";
import { PASSIVE_PEER, PRIMARY, stepBlind } from "./sample-election.js";

test("adverts that waited together are said once, and those of before a claim not before its lease", () => {
  let now = 1000;
  let said = 0;
  const lease = { held: true, length: 800, lapsed: () => false, mayAnswerMs: () => 800 };
  const ports = new Proxy({} as HeartPorts, {
    get: (_, name) => {
      if (name === "lease") return lease;
      if (name === "now") return () => now;
      if (name === "suspendedMs") return () => 0;
      if (name !== "say") return () => undefined;
      return () => {
        said += 1;
      };
    },
  });
  const heart = new Heart(ports, PRIMARY, adoptElection(millis(0), PRIMARY, 1, 0));
  heart.start(heart.state);
  const perform = () => {
    if (heart.wants({ kind: "send-adverts" })) heart.say();
  };
  for (let i = 0; i < 5; i += 1) perform();
  assert.equal(said, 1);
  now += 10;
  perform();
  assert.equal(said, 2, "later it is news again");
  lease.held = false;
  now += 10;
  perform();
  assert.equal(said, 2, "active, and its kernel has not said so");
});

test("a passive peer whose kernel may still answer is waited for, heard or silent", () => {
  const phaseAt = (peer: PeerSaid, at: number) => {
    const happened: readonly (readonly [number, ElectionEvent])[] = [
      [0, { kind: "local", ready: true, faults: 0, pingsLost: 0, isolated: false }],
      [10, { kind: "advert", peer }],
      [at, { kind: "tick" }],
      [at + 1, { kind: "tick" }],
    ];
    let state = startElection(millis(0), PRIMARY, 0);
    for (const [now, event] of happened) [state] = stepBlind(state, event, millis(now), PRIMARY);
    return state.phase;
  };
  const unquiet = { ...PASSIVE_PEER, leaseMs: 3000 };
  assert.equal(phaseAt(PASSIVE_PEER, 20), "active");
  assert.equal(phaseAt(unquiet, 20), "starting");
  assert.equal(phaseAt(PASSIVE_PEER, 1020), "active");
  assert.equal(phaseAt(unquiet, 3000), "starting");
  assert.equal(phaseAt(unquiet, 3070), "active");
});

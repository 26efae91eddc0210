import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@lbpair/common";
import { NO_SESSION } from "./advert.js";
import {
  accept,
  needsRenewal,
  RENEWAL_MS_MIN,
  REPLAY_WINDOW,
  REPLAYS_BEFORE_RENEWAL,
  renew,
  type SessionState,
  startSession,
} from "./session.js";

const mine = "a".repeat(16);
const theirs = "b".repeat(16);
const later = "c".repeat(16);

class Receiver {
  state: SessionState = startSession(mine, millis(0));
  get(session: string, sequence: number, echoes: readonly string[] = [mine], stream = 0): string {
    const [next, verdict] = accept(this.state, { session, echoes, sequence, stream });
    this.state = next;
    return verdict;
  }
}

test("an advert counts as life only if it echoes the present session", () => {
  const receiver = new Receiver();
  assert.equal(receiver.get(theirs, 1, [NO_SESSION]), "hello");
  assert.equal(receiver.state.candidate, theirs, "the hello's session will be echoed");
  assert.equal(receiver.get(theirs, 2), "life");
  assert.equal(receiver.state.accepted, theirs);
});

test("each advert counts once on each path", () => {
  const receiver = new Receiver();
  assert.equal(receiver.get(theirs, 7), "life");
  assert.equal(receiver.get(theirs, 7), "replayed");
  assert.equal(receiver.get(theirs, 7, [mine], 1), "life");
});

test("adverts out of order count inside the window and not beyond it", () => {
  const receiver = new Receiver();
  receiver.get(theirs, 1000);
  assert.equal(receiver.get(theirs, 1000 - REPLAY_WINDOW + 1), "life");
  assert.equal(receiver.get(theirs, 1000 - REPLAY_WINDOW), "replayed");
});

test("recordings of the peer's earlier run do not count, though they echo our session", () => {
  const receiver = new Receiver();
  receiver.get(theirs, 50);
  assert.equal(receiver.get(later, 1), "life", "the peer restarted");
  assert.equal(receiver.get(theirs, 51), "replayed");
  assert.equal(receiver.state.accepted, later);
});

test("a reverted snapshot, whose sequence is behind, is heard again after a renewal", () => {
  const receiver = new Receiver();
  receiver.get(theirs, 5000);
  for (let i = 0; i < REPLAYS_BEFORE_RENEWAL; i += 1) {
    assert.equal(receiver.get(theirs, 100 + i), "replayed");
  }
  assert.equal(needsRenewal(receiver.state, millis(RENEWAL_MS_MIN - 1)), false);
  assert.equal(needsRenewal(receiver.state, millis(RENEWAL_MS_MIN)), true);
  const fresh = "d".repeat(16);
  receiver.state = renew(receiver.state, fresh, millis(RENEWAL_MS_MIN));
  assert.equal(receiver.get(theirs, 110, [mine]), "hello", "recordings of before count no more");
  assert.equal(receiver.get(theirs, 111, [fresh]), "life");
});

test("a session of hellos, recorded or forged, never replaces the accepted one", () => {
  const receiver = new Receiver();
  receiver.get(theirs, 1);
  for (let i = 0; i < 1000; i += 1) receiver.get(later, i, [NO_SESSION]);
  assert.equal(receiver.state.accepted, theirs);
  assert.equal(receiver.get(theirs, 2), "life");
});

test("the window tells each of its sequences apart, in any order and over any gap", () => {
  // Against the plainest model there is: a set of what was seen.
  let seed = 1;
  const below = (limit: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed >>> 8) % limit;
  };
  const receiver = new Receiver();
  const seen = new Set<number>();
  let newest = 1000;
  receiver.get(theirs, newest);
  seen.add(newest);
  for (let i = 0; i < 20_000; i += 1) {
    const sequence = newest + below(below(10) === 0 ? 90 : 6) - below(70);
    const fresh = sequence > newest - REPLAY_WINDOW && !seen.has(sequence);
    assert.equal(receiver.get(theirs, sequence), fresh ? "life" : "replayed", `${sequence}`);
    seen.add(sequence);
    newest = Math.max(newest, sequence);
  }
});

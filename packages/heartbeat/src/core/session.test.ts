import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@lbpair/common";
import { NO_SESSION } from "./advert.js";
import {
  accept,
  CHALLENGE_MS_MIN,
  CHALLENGE_SEQUENCE,
  challengeWith,
  forgetChallenge,
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
const asked = "d".repeat(16);

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
  receiver.state = challengeWith(receiver.state, asked, millis(0));
  assert.equal(receiver.get(later, 1, [mine, asked]), "life", "the peer restarted");
  assert.equal(receiver.get(theirs, 51), "replayed");
  assert.equal(receiver.state.accepted, later);
});

test("a run beside the accepted one counts only once it has echoed the challenge to it", () => {
  const receiver = new Receiver();
  receiver.get(theirs, 50);
  assert.equal(receiver.get(later, 1), "hello");
  assert.equal(receiver.state.candidate, later);
  assert.equal(receiver.get(theirs, 51), "life", "the accepted one goes on counting");
  receiver.get(later, 2);
  receiver.state = challengeWith(receiver.state, asked, millis(0));
  assert.equal(receiver.get(later, 3), "hello");
  assert.equal(receiver.get(later, 4, [NO_SESSION, asked]), "life", "before it knows our session");
  assert.equal(receiver.get(later, 5), "life");
  assert.equal(receiver.get("e".repeat(16), 1, [mine, asked]), "hello", "a challenge serves once");
});

test("a challenge is good for two deadtimes, and a second at least", () => {
  const receiver = new Receiver();
  receiver.get(theirs, 50);
  receiver.get(later, 1);
  receiver.state = challengeWith(receiver.state, asked, millis(0));
  const at = (now: number, deadtime: number) =>
    forgetChallenge(receiver.state, millis(now), deadtime).challenge;
  assert.equal(at(CHALLENGE_MS_MIN, 100), asked);
  assert.equal(at(CHALLENGE_MS_MIN + 1, 100), NO_SESSION);
  assert.equal(at(10_000, 5000), asked);
  assert.equal(at(10_001, 5000), NO_SESSION);
});

test("a challenge is kept apart from hellos, and echoed until its maker is heard again", () => {
  const receiver = new Receiver();
  receiver.get(theirs, 50);
  receiver.get(asked, CHALLENGE_SEQUENCE, [NO_SESSION]);
  assert.equal(receiver.state.candidate, NO_SESSION);
  assert.equal(receiver.state.question, asked);
  receiver.get(theirs, 51);
  assert.equal(receiver.state.question, NO_SESSION);
});

test("a reverted snapshot, whose sequence is behind, is heard again after a renewal", () => {
  const receiver = new Receiver();
  receiver.get(theirs, 5000);
  for (let i = 0; i < REPLAYS_BEFORE_RENEWAL; i += 1) {
    assert.equal(receiver.get(theirs, 100 + i), "replayed");
  }
  assert.equal(needsRenewal(receiver.state, millis(RENEWAL_MS_MIN - 1)), false);
  assert.equal(needsRenewal(receiver.state, millis(RENEWAL_MS_MIN)), true);
  const fresh = "f".repeat(16);
  receiver.state = renew(receiver.state, fresh, millis(RENEWAL_MS_MIN));
  assert.equal(receiver.get(theirs, 110, [mine]), "hello", "recordings of before count no more");
  assert.equal(receiver.get(theirs, 111, [fresh]), "life");
});

test("a reverted snapshot that numbers anew what never came is no more heard than one that repeats", () => {
  const receiver = new Receiver();
  receiver.get(theirs, 100);
  // While this node stood still, what was numbered 101 to 119 was lost.
  receiver.get(theirs, 120);
  for (let i = 0; i < REPLAYS_BEFORE_RENEWAL; i += 1) {
    assert.equal(needsRenewal(receiver.state, millis(RENEWAL_MS_MIN)), false);
    assert.equal(receiver.get(theirs, 101 + i), "life");
  }
  assert.equal(needsRenewal(receiver.state, millis(RENEWAL_MS_MIN)), true);
  receiver.get(theirs, 121);
  assert.equal(needsRenewal(receiver.state, millis(RENEWAL_MS_MIN)), false);
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

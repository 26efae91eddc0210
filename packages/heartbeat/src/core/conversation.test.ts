import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { type Designation, millis } from "@lbpair/common";
import { type Advert, NO_REVISION } from "./advert.js";
import { Conversation, type Received } from "./conversation.js";
import { encodeAdvert, type Sign, WIRE_VERSION } from "./wire.js";

const sign: Sign = (bytes) => createHmac("sha256", "key").update(bytes).digest();

class Talker {
  readonly conversation: Conversation;
  readonly designation: Designation;
  constructor(designation: Designation, sessions: string[]) {
    this.designation = designation;
    this.conversation = new Conversation({
      designation,
      sign,
      newSession: () => sessions.shift() ?? "f".repeat(16),
      now: millis(0),
      deadtime: 1000,
      paths: 2,
    });
  }
  advert(path: number, now: number, sequence = this.conversation.nextSequence()): Uint8Array {
    const { mine, accepted, candidate } = this.conversation.session;
    const advert: Advert = {
      version: this.conversation.version,
      newest: WIRE_VERSION,
      forHealth: false,
      probing: false,
      pingsLost: 0,
      latenessMs: 0,
      macs: [],
      sentUs: now * 1000,
      designation: this.designation,
      active: false,
      ready: true,
      yielding: false,
      requesting: false,
      faults: 0,
      path,
      leaseMs: 0,
      sequence,
      session: mine,
      echo: accepted,
      echoCandidate: candidate,
      bootId: "0".repeat(32),
      epoch: 0,
      highestEpoch: 0,
      verdicts: NO_REVISION,
      revision: NO_REVISION,
      modes: NO_REVISION,
      wallMs: 0,
      hearing: this.conversation.hearing(millis(now)),
    };
    return encodeAdvert(advert, sign);
  }
  hears(bytes: Uint8Array, now: number, path = 0, genuine = true): Received {
    return this.conversation.receive(path, bytes, genuine, millis(now));
  }
}

const pair = () =>
  [new Talker("primary", ["a".repeat(16)]), new Talker("secondary", ["b".repeat(16)])] as const;

test("two runs that never met know each other after one advert each way and one back", () => {
  const [a, b] = pair();
  assert.equal(b.hears(a.advert(0, 0), 0).kind, "hello");
  const first = a.hears(b.advert(0, 1), 1);
  assert.ok(first.kind === "advert" && first.met);
  const second = b.hears(a.advert(0, 2), 2);
  assert.ok(second.kind === "advert" && second.met);
  const third = a.hears(b.advert(0, 3), 3);
  assert.ok(third.kind === "advert" && !third.met);
});

test("a hello is told once for each new run, however often it is repeated", () => {
  const [a, b] = pair();
  const hello = a.advert(0, 0);
  const kinds = [b.hears(hello, 0), b.hears(hello, 1), b.hears(hello, 2)].map((r) => r.kind);
  assert.deepEqual(kinds, ["hello", "dropped", "dropped"]);
});

test("what comes from a third host or from a node of our own designation is dropped and counted", () => {
  const [a, b] = pair();
  b.hears(a.advert(0, 0), 0, 0, false);
  b.hears(b.advert(0, 0), 0);
  b.hears(new Uint8Array(10), 0);
  assert.deepEqual(b.conversation.paths[0]?.dropped, {
    foreign: 1,
    "own-designation": 1,
    "too-short": 1,
  });
});

test("the slower of two paths shows life there and repeats nothing", () => {
  const [a, b] = pair();
  b.hears(a.advert(0, 0), 0);
  a.hears(b.advert(0, 0), 0);
  const sequence = a.conversation.nextSequence();
  const [onOne, onTwo] = [a.advert(0, 5, sequence), a.advert(1, 5, sequence)];
  assert.equal(b.hears(onOne, 6, 0).kind, "advert");
  assert.equal(b.hears(onTwo, 9, 1).kind, "nothing");
  assert.equal(b.conversation.ageOf(1, millis(10)), 1);
});

test("each side knows on which path the other hears it", () => {
  const [a, b] = pair();
  b.hears(a.advert(0, 0), 0);
  a.hears(b.advert(0, 0), 0);
  b.hears(a.advert(0, 10), 10);
  a.hears(b.advert(0, 20), 20);
  a.hears(b.advert(1, 30), 30, 1);
  assert.equal(a.conversation.paths[0]?.heardByPeer, true);
  assert.equal(a.conversation.paths[1]?.heardByPeer, false);
});

test("a peer reverted to a snapshot is heard again within seconds, not once it has caught up", () => {
  const [a, b] = pair();
  b.hears(a.advert(0, 0), 0);
  a.hears(b.advert(0, 0), 0);
  for (let i = 1; i <= 500; i += 1) b.hears(a.advert(0, i), i);
  a.conversation.sequence = 100;
  let heard: number | undefined;
  for (let now = 2000; now < 6000 && heard === undefined; now += 200) {
    a.hears(b.advert(0, now), now);
    if (b.hears(a.advert(0, now), now).kind === "advert") heard = now;
  }
  console.log(`heard again ${Number(heard) - 2000} ms after the revert`);
  assert.ok(heard !== undefined);
});

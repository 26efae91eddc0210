// forge.ts — the datagrams of a fuzz run: a peer's true ones, and everything that only looks like them.
import {
  type Advert,
  encodeAdvert,
  encodeVerdicts,
  NO_SESSION,
  type Sign,
  type VerdictsPart,
} from "@lbpair/heartbeat";
import type { Dice } from "./dice.js";

/** Datagrams kept to be played again; the oldest go first. */
const RECORDED = 4096;
const MAC_BYTES = 32;

export interface Sent {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** What a peer's run knows of the receiver. */
export interface Receiver {
  readonly session: string;
  /** What it asks a run beside the accepted one to echo; zero = nothing. */
  readonly challenge: string;
}

const hash = (dice: Dice): string => dice.session();
const id = (dice: Dice) => ({ serial: dice.next(), hash: hash(dice) });
const macOf = (dice: Dice): string =>
  Array.from({ length: 6 }, () => dice.below(256).toString(16).padStart(2, "0")).join(":");

/** Numbers at the edges of what eight bytes, four, two and one may say. */
const EDGES = [0, 1, 127, 128, 255, 256, 32_767, 65_534, 65_535, 65_536, 2 ** 31, 2 ** 32 - 2];
const LARGE = [
  ...EDGES,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 52,
  Number.MAX_SAFE_INTEGER - 1,
  Number.MAX_SAFE_INTEGER,
];
const BEYOND = [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n, 0x7ff8_0000_0000_0000n];
/** Where a datagram says how much follows, or what it is: worth more lies than the rest. */
const TELLING = [4, 5, 6, 7, 24, 32, 44, 45, 46, 47, 62, 70, 114, 122, 126, 134, 135, 136];

export class Forge {
  private readonly dice: Dice;
  private readonly sign: Sign;
  private readonly otherSign: Sign;
  private readonly receiver: Receiver;
  private readonly recorded: Uint8Array[] = [];
  private recordedAt = 0;
  /** The peer's present run, and one that was cloned from an earlier one. */
  private run: { session: string; sequence: number };
  private clone: { session: string; sequence: number };
  /** Restarts to come, one with each true advert: a daemon that crashes as soon as it has spoken. */
  private restarts = 0;

  constructor(dice: Dice, sign: Sign, otherSign: Sign, receiver: Receiver) {
    this.dice = dice;
    this.sign = sign;
    this.otherSign = otherSign;
    this.receiver = receiver;
    this.run = { session: dice.session(), sequence: 0 };
    this.clone = { session: dice.session(), sequence: 0 };
  }

  next(): Sent {
    const share = this.dice.below(1000);
    if (share < 300) return this.sent("true", this.record(this.truth()));
    if (share < 380) return this.sent("random", this.noise());
    if (share < 500) return this.sent("mutated", this.mutated(this.old()));
    if (share < 720) return this.sent("signed but malformed", this.lie());
    if (share < 870) return this.sent("played again", this.old());
    if (share < 890) return this.sent("wrong key", this.resigned(this.old(), this.otherSign));
    if (share < 970) return this.sent("verdicts", this.record(this.piece()));
    if (share < 990) return this.sent("a clone's", this.record(this.advertOf(this.clone)));
    this.turn();
    return this.sent("true", this.record(this.truth()));
  }

  private sent(what: string, bytes: Uint8Array): Sent {
    return { what, bytes };
  }

  private record(bytes: Uint8Array): Uint8Array {
    this.recorded[this.recordedAt % RECORDED] = bytes;
    this.recordedAt += 1;
    return bytes;
  }

  private old(): Uint8Array {
    return this.recorded.length === 0 ? this.truth() : this.dice.pick(this.recorded);
  }

  /** Now and then the peer restarts, is reverted to a snapshot, or a clone of it wakes up. */
  private turn(): void {
    const { dice } = this;
    const what = dice.below(8);
    if (what === 0) this.run = { session: dice.session(), sequence: dice.below(3) };
    else if (what === 1) this.run.sequence = Math.max(0, this.run.sequence - dice.below(500));
    else if (what === 2) this.clone = { ...this.run };
    else if (what === 3) this.run.sequence += dice.pick(EDGES);
    else if (what === 4) this.clone = { session: dice.session(), sequence: dice.pick(LARGE) };
    else if (what === 5 && dice.chance(0.02)) this.restarts = 60;
  }

  private truth(): Uint8Array {
    // Out of order within the window, and beyond it.
    if (this.dice.chance(0.1)) {
      const back = this.dice.below(80);
      const sequence = Math.max(0, this.run.sequence - back);
      return encodeAdvert(this.advert(this.run.session, sequence), this.sign);
    }
    if (this.restarts > 0) {
      this.restarts -= 1;
      this.run = { session: this.dice.session(), sequence: 0 };
    }
    return this.advertOf(this.run);
  }

  private advertOf(run: { session: string; sequence: number }): Uint8Array {
    run.sequence = Math.min(run.sequence + 1, Number.MAX_SAFE_INTEGER);
    return encodeAdvert(this.advert(run.session, run.sequence), this.sign);
  }

  private echoes(): { echo: string; echoCandidate: string } {
    const { dice } = this;
    const { session, challenge } = this.receiver;
    const share = dice.below(100);
    if (share < 25) return { echo: session, echoCandidate: challenge };
    if (share < 30) return { echo: NO_SESSION, echoCandidate: challenge };
    if (share < 70) return { echo: session, echoCandidate: NO_SESSION };
    if (share < 85) return { echo: NO_SESSION, echoCandidate: session };
    if (share < 90) return { echo: NO_SESSION, echoCandidate: NO_SESSION };
    return { echo: dice.session(), echoCandidate: share < 95 ? session : dice.session() };
  }

  private advert(session: string, sequence: number): Advert {
    const { dice } = this;
    const number = () => dice.pick(LARGE);
    const version = dice.chance(0.3) ? 1 : 2;
    const hearing = Array.from({ length: dice.between(0, 8) }, () => ({
      ageMs: dice.chance(0.2) ? null : dice.below(10_000),
      sentUs: number(),
      lossPermille: dice.chance(0.5) ? null : dice.below(1001),
    }));
    const bit = () => dice.chance(0.5);
    return {
      version,
      newest: dice.chance(0.9) ? 2 : dice.below(256),
      designation: dice.chance(0.97) ? "secondary" : "primary",
      active: bit(),
      ready: bit(),
      yielding: bit(),
      requesting: bit(),
      forHealth: bit(),
      probing: bit(),
      faults: dice.below(256),
      pingsLost: dice.below(256),
      latenessMs: bit() ? null : dice.below(65_535),
      macs: Array.from({ length: dice.chance(0.1) ? 16 : dice.below(4) }, () => macOf(dice)),
      sentUs: number(),
      path: dice.below(dice.chance(0.9) ? 3 : 256),
      leaseMs: Math.min(number(), 2 ** 32 - 1),
      sequence,
      session: dice.chance(0.999) ? session : NO_SESSION,
      ...this.echoes(),
      bootId: session + session,
      epoch: number(),
      highestEpoch: number(),
      verdicts: id(dice),
      revision: id(dice),
      modes: id(dice),
      wallMs: number(),
      hearing,
    };
  }

  /** A piece of verdicts: some whole, some whose counts do not agree with each other or with the text. */
  private piece(): Uint8Array {
    const { dice } = this;
    this.run.sequence += 1;
    const parts = dice.pick([1, 1, 2, 3, 64, 65, 255, 0]);
    const whole = dice.chance(0.3);
    const text = whole
      ? '[["a/1"],["b/2"]]'
      : dice.pick(["[", "{}", "[[],[]]", '[["x"', '"],[]]', "[[1],[]]", "\u{1f480}", ""]);
    const part: VerdictsPart = {
      version: dice.between(1, 2),
      designation: "secondary",
      session: this.run.session,
      echo: dice.chance(0.9) ? this.receiver.session : dice.session(),
      sequence: this.run.sequence,
      id: dice.chance(0.7) ? { serial: 7, hash: "7777777777777777" } : id(dice),
      part: dice.chance(0.8) ? dice.below(Math.max(1, parts)) : dice.below(256),
      parts,
      text: dice.chance(0.05) ? "[".repeat(dice.between(1000, 1024)) : text,
    };
    return encodeVerdicts(part, this.sign);
  }

  private noise(): Uint8Array {
    const { dice } = this;
    const bytes = dice.bytes(dice.chance(0.02) ? dice.below(9000) : dice.below(400));
    if (dice.chance(0.5)) bytes.set([0x4c, 0x42, 0x50, 0x41].slice(0, bytes.length));
    if (dice.chance(0.5) && bytes.length > 7)
      bytes.set([dice.between(0, 3), dice.between(0, 3)], 4);
    return dice.chance(0.3) && bytes.length > MAC_BYTES ? this.resigned(bytes, this.sign) : bytes;
  }

  private mutated(from: Uint8Array): Uint8Array {
    const { dice } = this;
    const bytes = from.slice();
    for (let i = dice.between(1, 8); i > 0; i -= 1) {
      const at = dice.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8));
    }
    return dice.chance(0.2) ? bytes.subarray(0, dice.below(bytes.length)) : bytes;
  }

  /** Signed with the pair's key, and wrong: only the contents can give it away. */
  private lie(): Uint8Array {
    const { dice } = this;
    // Most begin from something old, which costs no encoding: what is malformed is found before what is old.
    const from = dice.chance(0.7)
      ? this.old()
      : dice.chance(0.8)
        ? this.advertOf(this.run)
        : this.piece();
    const body = from.subarray(0, from.length - MAC_BYTES);
    const room = new Uint8Array(body.length + 1400);
    room.set(body);
    const view = new DataView(room.buffer);
    let length = body.length;
    for (let i = dice.between(1, 3); i > 0; i -= 1) {
      const at = dice.chance(0.6) ? dice.pick(TELLING) : dice.below(length);
      const how = dice.below(7);
      if (how === 0) room[4] = dice.below(256);
      else if (how === 1) length = dice.below(length + 1);
      else if (how === 2) length += dice.below(dice.chance(0.1) ? 1200 : 16);
      else if (how === 3 && at + 8 <= Math.min(length, room.length))
        view.setBigUint64(at, dice.pick(BEYOND));
      else if (how === 4) room[7] = 255;
      else room[at] = dice.pick([0, 1, 2, 3, 8, 9, 16, 17, 64, 65, 127, 128, 254, 255]);
    }
    return this.seal(room.subarray(0, Math.max(32, length)), this.sign);
  }

  private resigned(bytes: Uint8Array, sign: Sign): Uint8Array {
    return this.seal(bytes.subarray(0, bytes.length - MAC_BYTES), sign);
  }

  private seal(body: Uint8Array, sign: Sign): Uint8Array {
    const bytes = new Uint8Array(body.length + MAC_BYTES);
    bytes.set(body);
    bytes.set(sign(body).subarray(0, MAC_BYTES), body.length);
    return bytes;
  }
}

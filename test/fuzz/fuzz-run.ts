// fuzz-run.ts — one receiver under a storm of datagrams, watched by the model of what may count as life.
import { millis } from "@lbpair/common";
import {
  ADVERT_MACS_MAX,
  Conversation,
  decodeDatagram,
  encodeAdvert,
  epochAbove,
  NO_SESSION,
  RENEWAL_MS_MIN,
  RETIRED_SESSIONS_MAX,
  type Received,
  type Sign,
  WIRE_VERSION,
  WIRE_VERSION_OLDEST,
} from "@lbpair/heartbeat";
import { Dice } from "./dice.js";
import { Forge } from "./forge.js";
import { LifeModel } from "./life-model.js";

export interface FuzzOptions {
  readonly seed: number;
  readonly datagrams: number;
  /** Signs for the pair's key, and for another pair's. */
  readonly sign: Sign;
  readonly otherSign: Sign;
  /** Called now and then, with the number of datagrams so far. */
  readonly onProgress?: (done: number) => void;
}

export interface FuzzReport {
  readonly seed: number;
  readonly datagrams: number;
  /** How often each kind of datagram met each verdict: "played again: replayed" and so on. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly renewals: number;
  readonly verdictsTaken: number;
}

/** A datagram that was judged otherwise than it may be; the seed and its number play it again. */
export class FuzzFinding extends Error {
  constructor(seed: number, number: number, what: string, bytes: Uint8Array) {
    const hex = Buffer.from(bytes).toString("hex");
    super(`seed ${seed}, datagram ${number}: ${what}\n  ${hex}`);
    this.name = "FuzzFinding";
  }
}

const PATHS = 3;
/** Progress is told, and the conversation's state is measured, this often. */
const ROUND = 1024;

/** What a conversation says of a datagram, in the model's words. */
export const wordOf = (received: Received): string =>
  received.kind === "dropped"
    ? received.reason
    : received.kind === "hello" || received.kind === "challenge"
      ? "hello"
      : "life";

/** The whole of a run; throws FuzzFinding at the first datagram that is judged otherwise than it may be. */
export function runFuzz(options: FuzzOptions): FuzzReport {
  return new FuzzRun(options).run();
}

class FuzzRun {
  private readonly options: FuzzOptions;
  private readonly dice: Dice;
  private readonly conversation: Conversation;
  private readonly model: LifeModel;
  private readonly forge: Forge;
  private readonly outcomes = new Map<string, number>();
  private now = 1000;
  private renewedAt = Number.NEGATIVE_INFINITY;
  private renewals = 0;
  private verdictsTaken = 0;
  /** The receiver's session as the peer knows it: it learns of a new one a little later. */
  private readonly known = { session: "", challenge: NO_SESSION };
  private number = 0;
  /** Whole stretches come so thick that nothing can be renewed meanwhile. */
  private dense = false;

  constructor(options: FuzzOptions) {
    this.options = options;
    this.dice = new Dice(options.seed);
    const { dice } = this;
    this.conversation = new Conversation({
      designation: "primary",
      sign: options.sign,
      newSession: () => dice.session(),
      now: millis(this.now),
      deadtime: 1000,
      paths: PATHS,
    });
    const { mine } = this.conversation.session;
    this.known.session = mine;
    this.model = new LifeModel({ mine, designation: 1, sign: options.sign });
    this.forge = new Forge(dice, options.sign, options.otherSign, this.known);
  }

  run(): FuzzReport {
    const { datagrams, seed, onProgress } = this.options;
    for (this.number = 0; this.number < datagrams; this.number += 1) {
      this.one();
      if (this.number % ROUND === 0) {
        this.checkBounds();
        this.dense = this.dice.chance(0.2);
        onProgress?.(this.number);
      }
    }
    const { outcomes, renewals, verdictsTaken } = this;
    return { seed, datagrams, outcomes, renewals, verdictsTaken };
  }

  private one(): void {
    const { dice, conversation, model } = this;
    const { what, bytes } = this.forge.next();
    const path = dice.below(PATHS);
    const genuine = dice.chance(0.97);
    this.now += dice.below(this.dense ? 2 : 30);
    const may = model.judge(path, bytes, genuine, this.now);
    let received: Received;
    try {
      received = conversation.receive(path, bytes, genuine, millis(this.now));
    } catch (error) {
      throw this.finding(`threw ${String(error)}`, bytes);
    }
    const is = wordOf(received);
    if (is !== may) throw this.finding(`${what}: taken for ${is}, may be ${may}`, bytes);
    const outcome = `${what}: ${is}`;
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    if (received.kind === "verdicts") this.verdictsTaken += 1;
    this.follow(bytes);
    if (is === "life" && dice.chance(0.1)) this.checkTruth(bytes);
  }

  private follow(bytes: Uint8Array): void {
    if (this.dice.chance(0.3)) this.conversation.challenge(millis(this.now));
    const { mine, challenge } = this.conversation.session;
    if (mine !== this.model.mine) {
      const early = this.now - this.renewedAt < RENEWAL_MS_MIN;
      if (early) throw this.finding("our session was renewed twice within a second", bytes);
      this.renewedAt = this.now;
      this.renewals += 1;
      this.model.renewed(mine);
    } else if (this.known.session !== mine && this.dice.chance(0.05)) this.known.session = mine;
    if (challenge === mine) throw this.finding("our session is the challenge too", bytes);
    this.model.challenged(challenge, this.now);
    if (this.dice.chance(0.2)) this.known.challenge = challenge;
  }

  /** What was taken says what its bytes say: encoded again it is the same, but for flags nobody knows. */
  private checkTruth(bytes: Uint8Array): void {
    const decoded = decodeDatagram(bytes, this.options.sign);
    if (!decoded.ok) throw this.finding("taken, and not to be decoded", bytes);
    if (decoded.datagram.kind !== "advert") return;
    const { advert } = decoded.datagram;
    const again = encodeAdvert(advert, this.options.sign);
    const end = bytes.length - 32;
    const same =
      again.length === bytes.length &&
      bytes.subarray(0, end).every((byte, i) => i === 7 || byte === again[i]);
    if (!same) throw this.finding("says something else when encoded again", bytes);
  }

  /** However long the storm, what is remembered of it stays small, and what is said next can be said. */
  private checkBounds(): void {
    const { conversation } = this;
    const { session, version } = conversation;
    const nothing = new Uint8Array();
    if (session.retired.length > RETIRED_SESSIONS_MAX + 1) {
      throw this.finding(`${session.retired.length} retired sessions`, nothing);
    }
    if (session.windows.length > 2 * PATHS) {
      throw this.finding(`${session.windows.length} windows`, nothing);
    }
    if (version < WIRE_VERSION_OLDEST || version > WIRE_VERSION) {
      throw this.finding(`would speak version ${version}`, nothing);
    }
    const { newest } = conversation;
    if (newest === null) return;
    if (newest.macs.length > ADVERT_MACS_MAX) throw this.finding("too many MACs", nothing);
    const ours = {
      ...newest,
      version,
      designation: "primary" as const,
      epoch: epochAbove(newest.highestEpoch),
      session: session.mine,
      echo: conversation.echo,
      echoCandidate: conversation.echoCandidate,
      sequence: conversation.nextSequence(),
      hearing: conversation.hearing(millis(this.now)),
    };
    const said = decodeDatagram(encodeAdvert(ours, this.options.sign), this.options.sign);
    if (!said.ok) throw this.finding(`our own advert would be ${said.reason}`, nothing);
  }

  private finding(what: string, bytes: Uint8Array): FuzzFinding {
    return new FuzzFinding(this.options.seed, this.number, what, bytes);
  }
}

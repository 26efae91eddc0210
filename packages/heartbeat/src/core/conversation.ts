// conversation.ts — what is heard of the peer on each path, and what is dropped and why.
import { type Designation, type Millis, millis, type Verdicts } from "@lbpair/common/light";
import { type Advert, type Hearing, NO_SESSION } from "./advert.js";
import { ClockOffset } from "./clock-offset.js";
import { RoundsHeard, RoundTrip } from "./path-quality.js";
import {
  accept,
  challengeWith,
  forgetChallenge,
  needsRenewal,
  renew,
  type SessionState,
  startSession,
  strangerAbout,
  wantsChallenge,
} from "./session.js";
import { type Assembly, assemble } from "./verdict-transfer.js";
import {
  type Decoded,
  type DropReason,
  decodeDatagram,
  type Sign,
  WIRE_VERSION,
  WIRE_VERSION_OLDEST,
} from "./wire.js";

export type Dropped = DropReason | "foreign" | "replayed" | "hello" | "own-designation";

export interface PathRecord {
  heardAt: Millis | null;
  /** The peer's clock when it sent what was heard last, in microseconds; 0 = it does not say. */
  peerSentUs: number;
  /** Whether the peer last said that it hears us here. */
  heardByPeer: boolean | null;
  /** Of a thousand of our rounds, how many did not come to the peer here, as it says. */
  peerLossPermille: number | null;
  /** The peer's own number of this path; null = nothing ever came here. */
  peerIndex: number | null;
  readonly roundTrip: RoundTrip;
  received: number;
  readonly dropped: Partial<Record<Dropped, number>>;
}

export type Received =
  /** `met`: the first sign of life of a new run of the peer. */
  | { readonly kind: "advert"; readonly advert: Advert; readonly met: boolean }
  /** A run of the peer that was not known before says hello. */
  | { readonly kind: "hello" }
  /** The peer wants to know whether this node lives. */
  | { readonly kind: "challenge" }
  | { readonly kind: "verdicts"; readonly verdicts: Verdicts }
  | { readonly kind: "dropped"; readonly reason: Dropped }
  | { readonly kind: "nothing" };

export interface ConversationOptions {
  readonly designation: Designation;
  readonly sign: Sign;
  /** Random 16 hex digits, new at each call. */
  readonly newSession: () => string;
  readonly now: Millis;
  readonly deadtime: number;
  readonly paths: number;
}

/** Keeps one conversation with the peer over several paths; knows no socket and no clock. */
export class Conversation {
  readonly paths: readonly PathRecord[];
  /** The newest advert accepted on any path. */
  newest: Advert | null = null;
  session: SessionState;
  sequence = 0;
  readonly clockOffset = new ClockOffset();
  private readonly rounds: RoundsHeard;
  private assembly: Assembly | undefined;
  /** Newest version that the accepted run of the peer understands. */
  private peerNewest = WIRE_VERSION_OLDEST;
  private readonly options: ConversationOptions;

  constructor(options: ConversationOptions) {
    this.options = options;
    this.session = startSession(options.newSession(), options.now);
    this.rounds = new RoundsHeard(options.paths);
    this.paths = Array.from({ length: options.paths }, () => ({
      heardAt: null,
      peerSentUs: 0,
      heardByPeer: null,
      peerLossPermille: null,
      peerIndex: null,
      roundTrip: new RoundTrip(),
      received: 0,
      dropped: {},
    }));
  }

  /** How well each path is heard, for the next adverts. */
  hearing(now: Millis): Hearing[] {
    return this.paths.map(({ heardAt, peerSentUs }, path) => ({
      ageMs: heardAt === null ? null : now - heardAt,
      sentUs: peerSentUs,
      lossPermille: this.rounds.lossPermille(path),
    }));
  }

  /**
   * What the next adverts echo first: the accepted session, and as long as there is none the last hello's.
   * Two nodes that both have a challenge to echo would never meet if it kept them from echoing each other.
   */
  get echo(): string {
    const { accepted, candidate } = this.session;
    return accepted === NO_SESSION ? candidate : accepted;
  }

  /** What the next adverts echo besides: a challenge before a hello. */
  get echoCandidate(): string {
    const { question, candidate } = this.session;
    return question === NO_SESSION ? candidate : question;
  }

  /** What a run beside the accepted one is asked to echo, with a round that goes out now; null = there is none. */
  challenge(now: Millis): string | null {
    if (!strangerAbout(this.session)) return null;
    const { newSession, deadtime } = this.options;
    if (wantsChallenge(this.session, now, deadtime)) {
      this.session = challengeWith(this.session, newSession(), now);
    }
    return this.session.challenge;
  }

  /**
   * Version of the wire format to speak now: the newest that both understand, and the oldest while
   * the peer's run is not known, which may be of an older release.
   */
  get version(): number {
    const { accepted, candidate } = this.session;
    const known = accepted !== NO_SESSION && candidate === NO_SESSION;
    return known ? Math.min(WIRE_VERSION, this.peerNewest) : WIRE_VERSION_OLDEST;
  }

  /** Judges one datagram that came on a path; `genuine` says that its sender's address is the peer's. */
  receive(pathIndex: number, bytes: Uint8Array, genuine: boolean, now: Millis): Received {
    const path = this.paths[pathIndex];
    if (path === undefined) return { kind: "nothing" };
    path.received += 1;
    const drop = (reason: Dropped): Received => {
      path.dropped[reason] = (path.dropped[reason] ?? 0) + 1;
      return { kind: "dropped", reason };
    };
    if (!genuine) return drop("foreign");
    const decoded: Decoded = decodeDatagram(bytes, this.options.sign);
    if (!decoded.ok) return drop(decoded.reason);
    const { datagram } = decoded;
    const said = datagram.kind === "advert" ? datagram.advert : datagram.verdicts;
    if (said.designation === this.options.designation) return drop("own-designation");
    const echoes =
      datagram.kind === "advert"
        ? [datagram.advert.echo, datagram.advert.echoCandidate]
        : [datagram.verdicts.echo];
    const stream = 2 * pathIndex + (datagram.kind === "advert" ? 0 : 1);
    const { session, sequence } = said;
    const before = forgetChallenge(this.session, now, this.options.deadtime);
    const [next, acceptance] = accept(before, { session, echoes, sequence, stream });
    this.session = next;
    if (needsRenewal(next, now)) {
      this.session = renew(next, this.options.newSession(), now);
      // A reverted peer numbers anew from where it was: nothing it says now is old.
      this.newest = null;
      // What came last was behind, and must not become the newest for being the first since.
      if (acceptance === "life") return { kind: "nothing" };
    }
    if (acceptance !== "life") {
      const dropped = drop(acceptance);
      if (acceptance !== "hello") return dropped;
      if (next.question !== before.question) return { kind: "challenge" };
      return next.candidate !== before.candidate ? { kind: "hello" } : dropped;
    }
    const silent = path.heardAt !== null && now - path.heardAt > this.options.deadtime;
    path.heardAt = now;
    const met = next.accepted !== before.accepted;
    if (met) this.forgetQuality();
    else if (silent) this.rounds.restart(pathIndex, sequence);
    this.rounds.heard(pathIndex, sequence);
    if (datagram.kind === "verdicts") return this.addPiece(datagram.verdicts);
    return this.addAdvert(path, datagram.advert, met, now);
  }

  /** Another run of the peer: what was measured with the one before is none of its. */
  private forgetQuality(): void {
    this.rounds.reset();
    this.clockOffset.reset();
    for (const path of this.paths) {
      path.peerSentUs = 0;
      path.peerIndex = null;
      path.heardByPeer = null;
      path.peerLossPermille = null;
      path.roundTrip.reset();
    }
  }

  private addAdvert(path: PathRecord, advert: Advert, met: boolean, now: Millis): Received {
    path.peerIndex = advert.path;
    path.peerSentUs = advert.sentUs;
    this.measure(path, advert, now);
    // Whatever it says, it understands what it speaks.
    const understood = Math.max(advert.newest, advert.version);
    this.peerNewest = met ? understood : Math.max(this.peerNewest, understood);
    // The slower path brings what the faster has brought already: it shows life, and nothing new.
    const { newest } = this;
    const old = newest?.session === advert.session && newest.sequence >= advert.sequence;
    if (old) return { kind: "nothing" };
    this.newest = advert;
    this.noteHearing(advert.hearing);
    return { kind: "advert", advert, met };
  }

  private measure(path: PathRecord, advert: Advert, now: Millis): void {
    const hearing = advert.hearing[advert.path];
    if (hearing === undefined || hearing.ageMs === null) return;
    const tripMs = path.roundTrip.sample(hearing.sentUs, hearing.ageMs, now);
    if (tripMs !== null) this.clockOffset.sample(advert.wallMs, tripMs, now);
  }

  /** How the peer hears us on each path; one where nothing comes in is the one left over. */
  private noteHearing(hearing: readonly Hearing[]): void {
    const claimed = this.paths.map(({ peerIndex }) => peerIndex);
    const unknown = claimed.filter((index) => index === null).length;
    const over = hearing.flatMap((_, index) => (claimed.includes(index) ? [] : [index]));
    const left = unknown === 1 && over.length === 1 ? (over[0] ?? null) : null;
    for (const path of this.paths) {
      const said = hearing[path.peerIndex ?? left ?? Number.NaN];
      path.heardByPeer =
        said === undefined ? null : said.ageMs !== null && said.ageMs <= this.options.deadtime;
      path.peerLossPermille = said?.lossPermille ?? null;
    }
  }

  /** Of a thousand of the peer's rounds, how many did not come on a path lately; null = too few to say. */
  lossPermille(pathIndex: number): number | null {
    return this.rounds.lossPermille(pathIndex);
  }

  private addPiece(piece: Parameters<typeof assemble>[1]): Received {
    const { assembly, verdicts } = assemble(this.assembly, piece);
    this.assembly = assembly;
    return verdicts === undefined ? { kind: "nothing" } : { kind: "verdicts", verdicts };
  }

  /** Numbers the next round of adverts. */
  nextSequence(): number {
    this.sequence += 1;
    return this.sequence;
  }

  /** Milliseconds since a path was heard; null = never. */
  ageOf(pathIndex: number, now: Millis): Millis | null {
    const heardAt = this.paths[pathIndex]?.heardAt ?? null;
    return heardAt === null ? null : millis(now - heardAt);
  }
}

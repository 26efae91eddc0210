// life-model.ts — what may count as a sign of life, said a second time from docs/wire-format.md alone.
//
// It shares no code with the heartbeat: where the two disagree about one datagram, one of them is wrong.
import type { Sign } from "@lbpair/heartbeat";

export type Verdict =
  | "life"
  | "hello"
  | "replayed"
  | "foreign"
  | "own-designation"
  | "too-long"
  | "too-short"
  | "not-ours"
  | "wrong-key"
  | "wrong-version"
  | "malformed";

interface Seen {
  newest: number;
  readonly sequences: Set<number>;
}

const NONE = "0000000000000000";
const hex = (bytes: Uint8Array, at: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + at, 8).toString("hex");

const u64 = (view: DataView, at: number): bigint => view.getBigUint64(at);
const LARGEST = (1n << 53n) - 1n;

/** Offsets of the 64-bit numbers of an advert: epoch, highestEpoch, wallMs. */
const ADVERT_U64 = [62, 70, 114] as const;
const ADVERT_V1_COUNT = 122;
const ADVERT_V2 = 122;
const PATHS_MOST = 8;
const MACS_MOST = 16;

function advertIsWhole(view: DataView, version: number, end: number): boolean {
  if (end < ADVERT_V1_COUNT + 1) return false;
  if (ADVERT_U64.some((at) => u64(view, at) > LARGEST)) return false;
  if (version === 1) {
    const paths = view.getUint8(ADVERT_V1_COUNT);
    return paths <= PATHS_MOST && end === ADVERT_V1_COUNT + 1 + 2 * paths;
  }
  if (end < ADVERT_V2 + 13) return false;
  if (u64(view, ADVERT_V2 + 4) > LARGEST) return false;
  const macs = view.getUint8(ADVERT_V2 + 12);
  const countAt = ADVERT_V2 + 13 + 6 * macs;
  if (macs > MACS_MOST || end < countAt + 1) return false;
  const paths = view.getUint8(countAt);
  if (paths > PATHS_MOST || end !== countAt + 1 + 14 * paths) return false;
  for (let i = 0; i < paths; i += 1) {
    if (u64(view, countAt + 1 + 14 * i + 4) > LARGEST) return false;
  }
  return true;
}

function verdictsAreWhole(bytes: Uint8Array, view: DataView, end: number): boolean {
  if (end < 48) return false;
  const parts = view.getUint8(45);
  const length = view.getUint16(46);
  if (view.getUint8(44) >= parts || parts > 64 || length > 1024 || end !== 48 + length)
    return false;
  return isUtf8(bytes.subarray(48, end));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
function isUtf8(bytes: Uint8Array): boolean {
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

export class LifeModel {
  /** Runs of the peer that were superseded since our session began. */
  readonly retired = new Set<string>();
  private readonly seen = new Map<string, Seen>();
  private accepted = NONE;
  private readonly ownDesignation: number;
  private readonly sign: Sign;
  mine: string;
  private challenge = NONE;
  private challengedAt = 0;
  private challengeIsOld = false;

  constructor(options: {
    readonly mine: string;
    readonly designation: 1 | 2;
    readonly sign: Sign;
  }) {
    this.mine = options.mine;
    this.ownDesignation = options.designation;
    this.sign = options.sign;
  }

  /** The receiver chose a new session: nothing heard before says anything of life now. */
  renewed(mine: string): void {
    this.mine = mine;
    this.accepted = NONE;
    this.challenge = NONE;
    this.retired.clear();
    this.seen.clear();
  }

  /** What the receiver asks a run beside the accepted one to echo. */
  challenged(challenge: string, now: number): void {
    if (challenge !== this.challenge) this.challengedAt = now;
    this.challenge = challenge;
  }

  /** Judges one datagram, and learns from it where it counts. `now` in milliseconds, deadtime is a second. */
  judge(path: number, bytes: Uint8Array, genuine: boolean, now: number): Verdict {
    this.challengeIsOld = now - this.challengedAt > 2000;
    if (!genuine) return "foreign";
    if (bytes.length > 1200) return "too-long";
    if (bytes.length < 64) return "too-short";
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint32(0) !== 0x4c42_5041) return "not-ours";
    const end = bytes.length - 32;
    const mac = this.sign(bytes.subarray(0, end));
    if (Buffer.compare(mac, bytes.subarray(end)) !== 0) return "wrong-key";
    const version = view.getUint8(4);
    if (version !== 1 && version !== 2) return "wrong-version";
    return this.judgeSigned(path, bytes, view, version, end);
  }

  private judgeSigned(
    path: number,
    bytes: Uint8Array,
    view: DataView,
    version: number,
    end: number,
  ): Verdict {
    const kind = view.getUint8(5);
    const designation = view.getUint8(6);
    const session = hex(bytes, 8);
    const sequence = u64(view, 24);
    if (designation !== 1 && designation !== 2) return "malformed";
    if (session === NONE || sequence > LARGEST) return "malformed";
    if (kind === 1 ? !advertIsWhole(view, version, end) : kind !== 2) return "malformed";
    if (kind === 2 && !verdictsAreWhole(bytes, view, end)) return "malformed";
    if (designation === this.ownDesignation) return "own-designation";
    const echoed = (wanted: string): boolean =>
      wanted !== NONE && (hex(bytes, 16) === wanted || (kind === 1 && hex(bytes, 38) === wanted));
    const answered = !this.challengeIsOld && echoed(this.challenge);
    const proven = session !== this.accepted && answered;
    if (!proven && !echoed(this.mine)) return "hello";
    if (this.retired.has(session)) return "replayed";
    const beside = this.accepted !== NONE && session !== this.accepted;
    if (beside && !proven) return "hello";
    return this.count(`${kind} ${path}`, session, Number(sequence)) ? "life" : "replayed";
  }

  /** Whether this number is a new one of that run. */
  private count(stream: string, session: string, sequence: number): boolean {
    const same = session === this.accepted;
    // Sixteen earlier runs are remembered beside the last; of more, none counts before we are renewed.
    if (!same && this.retired.size > 16) return false;
    const seen = same ? this.seen.get(stream) : undefined;
    if (seen !== undefined) {
      if (sequence <= seen.newest - 64 || seen.sequences.has(sequence)) return false;
    }
    if (!same) {
      if (this.accepted !== NONE) this.retired.add(this.accepted);
      this.seen.clear();
      this.accepted = session;
      this.challenge = NONE;
    }
    const now = seen ?? { newest: sequence, sequences: new Set<number>() };
    now.newest = Math.max(now.newest, sequence);
    now.sequences.add(sequence);
    if (now.sequences.size > 512) {
      for (const each of now.sequences) if (each <= now.newest - 64) now.sequences.delete(each);
    }
    this.seen.set(stream, now);
    return true;
  }
}

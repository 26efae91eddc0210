// advert-bytes.ts — what of a datagram is an advert's own, in each version of the wire format.
import { HEARTBEAT_PATHS_MAX } from "@lbpair/common/light";
import type { Advert, Hearing } from "./advert.js";
import type { Cursor } from "./cursor.js";

/** Links whose MACs an advert names. */
export const ADVERT_MACS_MAX = 16;

/** More faults than an advert can say are as many. */
export const FAULTS_SAID = 255;

const NEVER_HEARD = 0xffff;
const NEVER_HEARD_US = 0xffff_ffff;
const NOT_SAID = 0xffff;
const FLAG = {
  active: 1,
  ready: 2,
  yielding: 4,
  requesting: 8,
  probing: 16,
  forHealth: 32,
  /** Only version 1 needs it: the sender understands version 2 as well. */
  newer: 128,
} as const;

/** What every datagram begins with, after the magic. */
export interface Header {
  readonly version: number;
  readonly kind: number;
  readonly designation: Advert["designation"];
  readonly flags: number;
  readonly session: string;
  readonly echo: string;
  readonly sequence: number;
}

export const flagsOf = (advert: Advert): number =>
  (advert.active ? FLAG.active : 0) |
  (advert.ready ? FLAG.ready : 0) |
  (advert.yielding ? FLAG.yielding : 0) |
  (advert.requesting ? FLAG.requesting : 0) |
  (advert.probing ? FLAG.probing : 0) |
  (advert.forHealth ? FLAG.forHealth : 0) |
  (advert.version === 1 && advert.newest > 1 ? FLAG.newer : 0);

function putNewerFields(cursor: Cursor, advert: Advert): void {
  cursor.putU8(advert.newest);
  cursor.putU8(Math.min(advert.pingsLost, FAULTS_SAID));
  const { latenessMs } = advert;
  cursor.putU16(latenessMs === null ? NOT_SAID : Math.min(Math.round(latenessMs), NOT_SAID - 1));
  cursor.putU64(advert.sentUs);
  const macs = advert.macs.slice(0, ADVERT_MACS_MAX);
  cursor.putU8(macs.length);
  for (const mac of macs) cursor.putMac(mac);
}

function putHearing(cursor: Cursor, advert: Advert): void {
  cursor.putU8(advert.hearing.length);
  for (const { ageMs, sentUs, lossPermille } of advert.hearing) {
    if (advert.version === 1) {
      cursor.putU16(ageMs === null ? NEVER_HEARD : Math.min(Math.round(ageMs), NEVER_HEARD - 1));
      continue;
    }
    const ageUs = ageMs === null ? NEVER_HEARD_US : Math.round(ageMs * 1000);
    cursor.putU32(ageMs === null ? ageUs : Math.min(ageUs, NEVER_HEARD_US - 1));
    cursor.putU64(sentUs);
    cursor.putU16(lossPermille ?? NOT_SAID);
  }
}

/** Writes everything after the header. */
export function putAdvert(cursor: Cursor, advert: Advert): void {
  cursor.putU8(advert.path);
  cursor.putU8(Math.min(advert.faults, FAULTS_SAID));
  cursor.putU32(advert.leaseMs);
  cursor.putHex(advert.echoCandidate);
  cursor.putHex(advert.bootId);
  cursor.putU64(advert.epoch);
  cursor.putU64(advert.highestEpoch);
  cursor.putId(advert.verdicts);
  cursor.putId(advert.revision);
  cursor.putId(advert.modes);
  cursor.putU64(advert.wallMs);
  if (advert.version > 1) putNewerFields(cursor, advert);
  putHearing(cursor, advert);
}

type NewerFields = Pick<Advert, "newest" | "pingsLost" | "latenessMs" | "sentUs" | "macs">;

const olderSays = (flags: number): NewerFields => ({
  newest: (flags & FLAG.newer) === 0 ? 1 : 2,
  pingsLost: 0,
  latenessMs: null,
  sentUs: 0,
  macs: [],
});

function readNewerFields(cursor: Cursor): NewerFields {
  const newest = cursor.u8();
  const pingsLost = cursor.u8();
  const lateness = cursor.u16();
  const sentUs = cursor.u64();
  const count = cursor.u8();
  if (count > ADVERT_MACS_MAX) throw new RangeError("too many MACs");
  const macs = Array.from({ length: count }, () => cursor.mac());
  return { newest, pingsLost, latenessMs: lateness === NOT_SAID ? null : lateness, sentUs, macs };
}

function readHearing(cursor: Cursor, version: number): Hearing[] {
  const paths = cursor.u8();
  if (paths > HEARTBEAT_PATHS_MAX) throw new RangeError("too many paths");
  const hearing: Hearing[] = [];
  for (let path = 0; path < paths; path += 1) {
    if (version === 1) {
      const ageMs = cursor.u16();
      hearing.push({ ageMs: ageMs === NEVER_HEARD ? null : ageMs, sentUs: 0, lossPermille: null });
      continue;
    }
    const ageUs = cursor.u32();
    const sentUs = cursor.u64();
    const loss = cursor.u16();
    hearing.push({
      ageMs: ageUs === NEVER_HEARD_US ? null : ageUs / 1000,
      sentUs,
      lossPermille: loss === NOT_SAID ? null : loss,
    });
  }
  return hearing;
}

/**
 * Reads everything after the header. Throws RangeError where it is not an advert. Written out, since
 * spreading objects of so many fields takes longer than all the rest.
 */
export function readAdvert(cursor: Cursor, header: Header): Advert {
  const { version, designation, session, echo, sequence, flags } = header;
  const path = cursor.u8();
  const faults = cursor.u8();
  const leaseMs = cursor.u32();
  const echoCandidate = cursor.hex(8);
  const bootId = cursor.hex(16);
  const epoch = cursor.u64();
  const highestEpoch = cursor.u64();
  const verdicts = cursor.id();
  const revision = cursor.id();
  const modes = cursor.id();
  const wallMs = cursor.u64();
  const newer = version === 1 ? olderSays(flags) : readNewerFields(cursor);
  const hearing = readHearing(cursor, version);
  return {
    version,
    designation,
    session,
    echo,
    sequence,
    active: (flags & FLAG.active) !== 0,
    ready: (flags & FLAG.ready) !== 0,
    yielding: (flags & FLAG.yielding) !== 0,
    requesting: (flags & FLAG.requesting) !== 0,
    probing: (flags & FLAG.probing) !== 0,
    forHealth: (flags & FLAG.forHealth) !== 0,
    path,
    faults,
    leaseMs,
    echoCandidate,
    bootId,
    epoch,
    highestEpoch,
    verdicts,
    revision,
    modes,
    wallMs,
    newest: newer.newest,
    pingsLost: newer.pingsLost,
    latenessMs: newer.latenessMs,
    sentUs: newer.sentUs,
    macs: newer.macs,
    hearing,
  };
}

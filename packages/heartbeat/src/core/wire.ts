// wire.ts — the bytes of a heartbeat datagram. The layout is documented in docs/wire-format.md.
//
//   all:      "LBPA" | version u8 | kind u8 | designation u8 | flags u8 | session 8 | echo 8 | sequence u64
//   advert:   path u8 | faults u8 | leaseMs u32 | echoCandidate 8 | bootId 16 | epoch u64 | highestEpoch u64
//             | verdicts u32+8 | revision u32+8 | modes u32+8 | wallMs u64
//   … v1:     | paths u8 | ageMs u16 each
//   … v2:     | newest u8 | pingsLost u8 | latenessMs u16 | sentUs u64 | macs u8 | 6 each
//             | paths u8 | (ageUs u32 | sentUs u64 | lossPermille u16) each
//   verdicts: id u32+8 | part u8 | parts u8 | length u16 | UTF-8 text
//   all:      HMAC-SHA256 of everything before it, 32 bytes
//
// Numbers are big-endian. u64 fields hold at most 2^53 - 1.
import type { RevisionId } from "@lbpair/common";
import type { Advert, Datagram, Hearing, VerdictsPart } from "./advert.js";

/** Spoken to a peer that understands it. */
export const WIRE_VERSION = 2;
/** Understood too, and spoken until the peer is known to understand more: a pair is upgraded one by one. */
export const WIRE_VERSION_OLDEST = 1;
/** Links whose MACs an advert names. */
export const ADVERT_MACS_MAX = 16;
export const MAC_BYTES = 32;
/** Longest advert; with eight paths and sixteen links it has 411 bytes. */
export const ADVERT_BYTES_MAX = 512;
/** Text of one verdicts datagram: header and MAC included it stays below an MTU of 1,280. */
export const VERDICTS_TEXT_BYTES_MAX = 1024;
export const VERDICTS_PARTS_MAX = 64;
export const DATAGRAM_BYTES_MAX = 1200;

const MAGIC = [0x4c, 0x42, 0x50, 0x41];
const HEADER_BYTES = 32;
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
const KIND = { advert: 1, verdicts: 2 } as const;
const TWO_TO_32 = 2 ** 32;
const TWO_TO_21 = 2 ** 21;
/** Text of each byte, and the value of each digit by its character code: parsing took half the codec's time. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const NIBBLE = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(digit) ? 0 : digit;
});

/** Signs bytes with the pair's key: HMAC-SHA256 (RFC 2104), 32 bytes. */
export type Sign = (bytes: Uint8Array) => Uint8Array;

export type DropReason =
  | "too-long"
  | "too-short"
  | "not-ours"
  | "wrong-version"
  | "wrong-key"
  | "malformed";

export type Decoded =
  | { readonly ok: true; readonly datagram: Datagram }
  | { readonly ok: false; readonly reason: DropReason };

/** Writes and reads fields one after the other; a read past the end throws RangeError. */
class Cursor {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  putU8(value: number): void {
    this.view.setUint8(this.at, value);
    this.at += 1;
  }
  putU16(value: number): void {
    this.view.setUint16(this.at, value);
    this.at += 2;
  }
  putU32(value: number): void {
    this.view.setUint32(this.at, Math.min(value, 0xffff_ffff));
    this.at += 4;
  }
  putU64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("no number for 8 bytes");
    this.view.setUint32(this.at, Math.floor(value / TWO_TO_32));
    this.view.setUint32(this.at + 4, value % TWO_TO_32);
    this.at += 8;
  }
  putHex(hex: string): void {
    for (let i = 0; i < hex.length; i += 2) {
      this.putU8(((NIBBLE[hex.charCodeAt(i)] ?? 0) << 4) | (NIBBLE[hex.charCodeAt(i + 1)] ?? 0));
    }
  }
  putId(id: RevisionId): void {
    this.putU32(id.serial);
    this.putHex(id.hash);
  }
  u8(): number {
    this.at += 1;
    return this.view.getUint8(this.at - 1);
  }
  u16(): number {
    this.at += 2;
    return this.view.getUint16(this.at - 2);
  }
  u32(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4);
  }
  u64(): number {
    this.at += 8;
    const high = this.view.getUint32(this.at - 8);
    if (high >= TWO_TO_21) throw new RangeError("number too large");
    return high * TWO_TO_32 + this.view.getUint32(this.at - 4);
  }
  hex(bytes: number): string {
    let text = "";
    for (let i = 0; i < bytes; i += 1) text += HEX[this.u8()] ?? "";
    return text;
  }
  id(): RevisionId {
    return { serial: this.u32(), hash: this.hex(8) };
  }
}

interface Header {
  readonly version: number;
  readonly kind: number;
  readonly designation: Advert["designation"];
  readonly flags: number;
  readonly session: string;
  readonly echo: string;
  readonly sequence: number;
}

function putHeader(cursor: Cursor, header: Header): void {
  for (const byte of MAGIC) cursor.putU8(byte);
  cursor.putU8(header.version);
  cursor.putU8(header.kind);
  cursor.putU8(header.designation === "primary" ? 1 : 2);
  cursor.putU8(header.flags);
  cursor.putHex(header.session);
  cursor.putHex(header.echo);
  cursor.putU64(header.sequence);
}

function seal(cursor: Cursor, sign: Sign): Uint8Array {
  const signed = cursor.bytes.subarray(0, cursor.at);
  const datagram = new Uint8Array(signed.length + MAC_BYTES);
  datagram.set(signed);
  datagram.set(sign(signed).subarray(0, MAC_BYTES), signed.length);
  return datagram;
}

const flagsOf = (advert: Advert): number =>
  (advert.active ? FLAG.active : 0) |
  (advert.ready ? FLAG.ready : 0) |
  (advert.yielding ? FLAG.yielding : 0) |
  (advert.requesting ? FLAG.requesting : 0) |
  (advert.probing ? FLAG.probing : 0) |
  (advert.forHealth ? FLAG.forHealth : 0) |
  (advert.version === 1 && advert.newest > 1 ? FLAG.newer : 0);

function putNewerFields(cursor: Cursor, advert: Advert): void {
  cursor.putU8(advert.newest);
  cursor.putU8(Math.min(advert.pingsLost, 255));
  const { latenessMs } = advert;
  cursor.putU16(latenessMs === null ? NOT_SAID : Math.min(Math.round(latenessMs), NOT_SAID - 1));
  cursor.putU64(advert.sentUs);
  const macs = advert.macs.slice(0, ADVERT_MACS_MAX);
  cursor.putU8(macs.length);
  for (const mac of macs) cursor.putHex(mac.replaceAll(":", ""));
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

export function encodeAdvert(advert: Advert, sign: Sign): Uint8Array {
  const cursor = new Cursor(new Uint8Array(ADVERT_BYTES_MAX));
  putHeader(cursor, { ...advert, kind: KIND.advert, flags: flagsOf(advert) });
  cursor.putU8(advert.path);
  cursor.putU8(Math.min(advert.faults, 255));
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
  return seal(cursor, sign);
}

export function encodeVerdicts(part: VerdictsPart, sign: Sign): Uint8Array {
  const text = new TextEncoder().encode(part.text);
  if (text.length > VERDICTS_TEXT_BYTES_MAX) throw new RangeError("verdicts part too long");
  const cursor = new Cursor(new Uint8Array(DATAGRAM_BYTES_MAX));
  putHeader(cursor, { ...part, kind: KIND.verdicts, flags: 0 });
  cursor.putId(part.id);
  cursor.putU8(part.part);
  cursor.putU8(part.parts);
  cursor.putU16(text.length);
  cursor.bytes.set(text, cursor.at);
  cursor.at += text.length;
  return seal(cursor, sign);
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
  const macs = Array.from({ length: count }, () => colons(cursor.hex(6)));
  return { newest, pingsLost, latenessMs: lateness === NOT_SAID ? null : lateness, sentUs, macs };
}

const colons = (hex: string): string => hex.replace(/..(?=.)/g, "$&:");

function readHearing(cursor: Cursor, version: number): Hearing[] {
  return Array.from({ length: cursor.u8() }, () => {
    if (version === 1) {
      const ageMs = cursor.u16();
      return { ageMs: ageMs === NEVER_HEARD ? null : ageMs, sentUs: 0, lossPermille: null };
    }
    const ageUs = cursor.u32();
    const sentUs = cursor.u64();
    const loss = cursor.u16();
    return {
      ageMs: ageUs === NEVER_HEARD_US ? null : ageUs / 1000,
      sentUs,
      lossPermille: loss === NOT_SAID ? null : loss,
    };
  });
}

function readAdvert(cursor: Cursor, header: Header): Advert {
  const { version, designation, session, echo, sequence, flags } = header;
  const fields = {
    path: cursor.u8(),
    faults: cursor.u8(),
    leaseMs: cursor.u32(),
    echoCandidate: cursor.hex(8),
    bootId: cursor.hex(16),
    epoch: cursor.u64(),
    highestEpoch: cursor.u64(),
    verdicts: cursor.id(),
    revision: cursor.id(),
    modes: cursor.id(),
    wallMs: cursor.u64(),
  };
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
    ...fields,
    ...newer,
    hearing,
  };
}

function readVerdicts(cursor: Cursor, header: Header): VerdictsPart {
  const { version, designation, session, echo, sequence } = header;
  const id = cursor.id();
  const part = cursor.u8();
  const parts = cursor.u8();
  if (parts > VERDICTS_PARTS_MAX || part >= parts) throw new RangeError("part out of range");
  const length = cursor.u16();
  const bytes = cursor.bytes.subarray(cursor.at, cursor.at + length);
  if (bytes.length !== length) throw new RangeError("text cut short");
  cursor.at += length;
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  return { version, designation, session, echo, sequence, id, part, parts, text };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  // Every byte is looked at, so that the time taken tells nothing about where they differ.
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Reads a datagram; anything but a well-formed one signed with the pair's key is a reason to drop it. */
export function decodeDatagram(bytes: Uint8Array, sign: Sign): Decoded {
  if (bytes.length > DATAGRAM_BYTES_MAX) return { ok: false, reason: "too-long" };
  if (bytes.length < HEADER_BYTES + MAC_BYTES) return { ok: false, reason: "too-short" };
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) return { ok: false, reason: "not-ours" };
  const signed = bytes.subarray(0, bytes.length - MAC_BYTES);
  if (!sameBytes(sign(signed), bytes.subarray(bytes.length - MAC_BYTES))) {
    return { ok: false, reason: "wrong-key" };
  }
  const version = bytes[4] ?? 0;
  if (version < WIRE_VERSION_OLDEST || version > WIRE_VERSION) {
    return { ok: false, reason: "wrong-version" };
  }
  try {
    const cursor = new Cursor(signed);
    cursor.at = 5;
    const kind = cursor.u8();
    const designationByte = cursor.u8();
    const header: Header = {
      version,
      kind,
      designation: designationByte === 1 ? "primary" : "secondary",
      flags: cursor.u8(),
      session: cursor.hex(8),
      echo: cursor.hex(8),
      sequence: cursor.u64(),
    };
    if (designationByte !== 1 && designationByte !== 2) return { ok: false, reason: "malformed" };
    const datagram: Datagram | undefined =
      kind === KIND.advert
        ? { kind: "advert", advert: readAdvert(cursor, header) }
        : kind === KIND.verdicts
          ? { kind: "verdicts", verdicts: readVerdicts(cursor, header) }
          : undefined;
    if (datagram === undefined || cursor.at !== signed.length) {
      return { ok: false, reason: "malformed" };
    }
    return { ok: true, datagram };
  } catch {
    return { ok: false, reason: "malformed" };
  }
}

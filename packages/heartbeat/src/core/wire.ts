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
import { type Advert, type Datagram, NO_SESSION, type VerdictsPart } from "./advert.js";
import { flagsOf, type Header, putAdvert, readAdvert } from "./advert-bytes.js";
import { Cursor } from "./cursor.js";

/** Spoken to a peer that understands it. */
export const WIRE_VERSION = 2;
/** Understood too, and spoken until the peer is known to understand more: a pair is upgraded one by one. */
export const WIRE_VERSION_OLDEST = 1;
export const MAC_BYTES = 32;
/** Longest advert; with eight paths and sixteen MACs it has 376 bytes. */
export const ADVERT_BYTES_MAX = 512;
/** Text of one verdicts datagram: header and MAC included it stays below an MTU of 1,280. */
export const VERDICTS_TEXT_BYTES_MAX = 1024;
export const VERDICTS_PARTS_MAX = 64;
export const DATAGRAM_BYTES_MAX = 1200;

const MAGIC = [0x4c, 0x42, 0x50, 0x41];
const HEADER_BYTES = 32;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true });
const KIND = { advert: 1, verdicts: 2 } as const;
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

/** What adverts and verdicts have in common. */
type Common = Pick<Advert, "version" | "designation" | "session" | "echo" | "sequence">;

function putHeader(cursor: Cursor, common: Common, kind: number, flags: number): void {
  for (const byte of MAGIC) cursor.putU8(byte);
  cursor.putU8(common.version);
  cursor.putU8(kind);
  cursor.putU8(common.designation === "primary" ? 1 : 2);
  cursor.putU8(flags);
  cursor.putHex(common.session);
  cursor.putHex(common.echo);
  cursor.putU64(common.sequence);
}

/** Where datagrams are put together; what leaves this file is a copy. */
const SCRATCH = new Uint8Array(DATAGRAM_BYTES_MAX + MAC_BYTES);
const ADVERT_SCRATCH = SCRATCH.subarray(0, ADVERT_BYTES_MAX);

function seal(cursor: Cursor, sign: Sign): Uint8Array {
  const { at } = cursor;
  SCRATCH.set(sign(SCRATCH.subarray(0, at)).subarray(0, MAC_BYTES), at);
  return SCRATCH.slice(0, at + MAC_BYTES);
}

export function encodeAdvert(advert: Advert, sign: Sign): Uint8Array {
  const cursor = new Cursor(ADVERT_SCRATCH);
  putHeader(cursor, advert, KIND.advert, flagsOf(advert));
  putAdvert(cursor, advert);
  return seal(cursor, sign);
}

/** The same advert for another path: all but that byte and the signature stay. */
export function onPath(advert: Uint8Array, path: number, sign: Sign): Uint8Array {
  const datagram = advert.slice();
  datagram[HEADER_BYTES] = path;
  const end = datagram.length - MAC_BYTES;
  datagram.set(sign(datagram.subarray(0, end)).subarray(0, MAC_BYTES), end);
  return datagram;
}

export function encodeVerdicts(part: VerdictsPart, sign: Sign): Uint8Array {
  const text = ENCODER.encode(part.text);
  if (text.length > VERDICTS_TEXT_BYTES_MAX) throw new RangeError("verdicts part too long");
  const cursor = new Cursor(SCRATCH);
  putHeader(cursor, part, KIND.verdicts, 0);
  cursor.putId(part.id);
  cursor.putU8(part.part);
  cursor.putU8(part.parts);
  cursor.putU16(text.length);
  cursor.bytes.set(text, cursor.at);
  cursor.at += text.length;
  return seal(cursor, sign);
}

function readVerdicts(cursor: Cursor, header: Header): VerdictsPart {
  const { version, designation, session, echo, sequence } = header;
  const id = cursor.id();
  const part = cursor.u8();
  const parts = cursor.u8();
  if (parts > VERDICTS_PARTS_MAX || part >= parts) throw new RangeError("part out of range");
  const length = cursor.u16();
  if (length > VERDICTS_TEXT_BYTES_MAX) throw new RangeError("text too long");
  const bytes = cursor.bytes.subarray(cursor.at, cursor.at + length);
  if (bytes.length !== length) throw new RangeError("text cut short");
  cursor.at += length;
  const text = DECODER.decode(bytes);
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
    // The name that says "none" is no run's: accepted, it would never be told from no peer at all.
    if (header.session === NO_SESSION) return { ok: false, reason: "malformed" };
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

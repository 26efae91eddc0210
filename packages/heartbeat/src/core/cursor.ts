// cursor.ts — the fields of a datagram, written and read one after the other, big-endian.
import type { RevisionId } from "@lbpair/common";

const TWO_TO_32 = 2 ** 32;
const TWO_TO_21 = 2 ** 21;
/** Text of each byte, and the value of each digit by its character code: parsing took half the codec's time. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const NIBBLE = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(digit) ? 0 : digit;
});

/** Names of runs and boots come again in every datagram: their text is made once and found again. */
const KNOWN_MAX = 64;
const knownHigh = new Uint32Array(KNOWN_MAX);
const knownLow = new Uint32Array(KNOWN_MAX);
const knownText: string[] = Array.from({ length: KNOWN_MAX }, () => "0".repeat(16));

const text32 = (value: number): string =>
  `${HEX[value >>> 24]}${HEX[(value >>> 16) & 255]}${HEX[(value >>> 8) & 255]}${HEX[value & 255]}`;

function text64(high: number, low: number): string {
  const slot = (Math.imul(high, 31) + low) & (KNOWN_MAX - 1);
  if (knownHigh[slot] !== high || knownLow[slot] !== low) {
    knownHigh[slot] = high;
    knownLow[slot] = low;
    knownText[slot] = text32(high) + text32(low);
  }
  return knownText[slot] ?? "";
}

/** Writes and reads fields one after the other; one past the end throws RangeError. */
export class Cursor {
  readonly bytes: Uint8Array;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  /** Steps over so many bytes; returns where they begin. */
  private step(bytes: number): number {
    const { at } = this;
    this.at = at + bytes;
    if (this.at > this.bytes.length) throw new RangeError("past the end");
    return at;
  }
  putU8(value: number): void {
    this.bytes[this.step(1)] = value;
  }
  putU16(value: number): void {
    const at = this.step(2);
    this.bytes[at] = value >>> 8;
    this.bytes[at + 1] = value;
  }
  putU32(value: number): void {
    const at = this.step(4);
    const { bytes } = this;
    const number = Math.min(value, 0xffff_ffff);
    bytes[at] = number >>> 24;
    bytes[at + 1] = number >>> 16;
    bytes[at + 2] = number >>> 8;
    bytes[at + 3] = number;
  }
  putU64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("no number for 8 bytes");
    this.putU32(Math.floor(value / TWO_TO_32));
    this.putU32(value % TWO_TO_32);
  }
  putHex(hex: string): void {
    const { bytes } = this;
    let at = this.step(hex.length / 2);
    for (let i = 0; i < hex.length; i += 2) {
      const high = NIBBLE[hex.charCodeAt(i)] ?? 0;
      bytes[at] = (high << 4) | (NIBBLE[hex.charCodeAt(i + 1)] ?? 0);
      at += 1;
    }
  }
  /** A MAC as people write it, with colons. */
  putMac(mac: string): void {
    const { bytes } = this;
    let at = this.step(6);
    for (let i = 0; i < 17; i += 3) {
      const high = NIBBLE[mac.charCodeAt(i)] ?? 0;
      bytes[at] = (high << 4) | (NIBBLE[mac.charCodeAt(i + 1)] ?? 0);
      at += 1;
    }
  }
  putId(id: RevisionId): void {
    this.putU32(id.serial);
    this.putHex(id.hash);
  }
  u8(): number {
    return this.bytes[this.step(1)] ?? 0;
  }
  u16(): number {
    const at = this.step(2);
    const { bytes } = this;
    return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }
  u32(): number {
    const at = this.step(4);
    const { bytes } = this;
    const high = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16);
    return (high | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
  }
  u64(): number {
    const high = this.u32();
    if (high >= TWO_TO_21) throw new RangeError("number too large");
    return high * TWO_TO_32 + this.u32();
  }
  hex(bytes: number): string {
    let text = "";
    let left = bytes;
    for (; left >= 8; left -= 8) text += text64(this.u32(), this.u32());
    for (; left > 0; left -= 1) text += HEX[this.u8()] ?? "";
    return text;
  }
  mac(): string {
    let text = HEX[this.u8()] ?? "";
    for (let i = 1; i < 6; i += 1) text += `:${HEX[this.u8()]}`;
    return text;
  }
  id(): RevisionId {
    return { serial: this.u32(), hash: this.hex(8) };
  }
}

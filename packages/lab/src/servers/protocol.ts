// protocol.ts — what probes and the lab's servers say to each other over one TCP connection.
import { createHash, type Hash } from "node:crypto";

/**
 * The client's first byte chooses, the second is the seed of the byte pattern:
 * echo: every further byte comes back; talk: the server sends one byte per TALK_MS until the client
 * sends anything; wait: silence until a kick, then one byte; name: the server's name, then the end;
 * kick: wakes every waiting connection of the server.
 * Echo, talk and wait end with a trailer: how many bytes the server echoed or sent, and their SHA-256.
 */
export const KINDS = { echo: 0x45, talk: 0x54, wait: 0x57, name: 0x4e, kick: 0x4b } as const;
export type Kind = keyof typeof KINDS;

export const TALK_MS = 10;
export const TRAILER_BYTES = 8 + 32;
/** First byte of an HL7 message in MLLP framing: the same port serves both. */
export const MLLP_START = 0x0b;

export const kindOf = (byte: number): Kind | undefined =>
  (Object.keys(KINDS) as Kind[]).find((kind) => KINDS[kind] === byte);

/** The byte at a position of a connection's pattern: a lost, doubled or foreign byte shows. */
export const patternByte = (seed: number, position: number): number =>
  (seed * 31 + position * 167 + (position >> 8) * 13) & 0xff;

export function patternBytes(seed: number, from: number, count: number): Buffer {
  const bytes = Buffer.allocUnsafe(count);
  for (let i = 0; i < count; i += 1) bytes[i] = patternByte(seed, from + i);
  return bytes;
}

/** Counts and hashes a stream of bytes; the trailer is what both ends compare. */
export interface Tally {
  add(bytes: Uint8Array): void;
  readonly count: number;
  trailer(): Buffer;
}

export function createTally(): Tally {
  const hash: Hash = createHash("sha256");
  let count = 0;
  return {
    add(bytes) {
      hash.update(bytes);
      count += bytes.length;
    },
    get count() {
      return count;
    },
    trailer() {
      const head = Buffer.alloc(8);
      head.writeBigUInt64BE(BigInt(count));
      return Buffer.concat([head, hash.copy().digest()]);
    },
  };
}

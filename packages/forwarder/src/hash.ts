// hash.ts — two hashes: a stable one for our own dealing, and the kernel's jhash bit for bit.

/** FNV-1a over UTF-16 code units with a final mix; stable for ever, both nodes deal by it. */
export function stableHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return mix(hash);
}

/** Murmur3's finalizer: every input bit reaches every output bit. */
export function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

function finish(a0: number, b0: number, c0: number): number {
  let [a, b, c] = [a0, b0, c0];
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}

const JHASH_INITVAL = 0xdeadbeef;

/**
 * The kernel's jhash (include/linux/jhash.h) of at most 12 bytes, which is all that an IPv4
 * address and a port need. Words are little-endian, as on every machine this runs on.
 */
export function jhash(bytes: readonly number[], seed: number): number {
  const start = (JHASH_INITVAL + bytes.length + seed) | 0;
  const words = [start, start, start];
  bytes.forEach((byte, index) => {
    const word = index >> 2;
    words[word] = ((words[word] ?? 0) + (byte << (8 * (index & 3)))) | 0;
  });
  return finish(words[0] ?? 0, words[1] ?? 0, words[2] ?? 0);
}

/** What nftables' `mod` makes of a hash: the kernel's reciprocal_scale. */
export const scaleTo = (hash: number, size: number): number =>
  Number((BigInt(hash >>> 0) * BigInt(size)) >> 32n);

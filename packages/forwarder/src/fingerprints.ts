// fingerprints.ts — a set of millions of texts in a few bytes each, that remembers which were seen.

/** Filled to at most this share, so that a look-up takes few steps. */
const FULL = 0.6;

/**
 * 64 bits stand for each text: two of three million alike would be a chance of one in four million.
 * What is decided by it is a repair that the next comparison makes good.
 */
export class Fingerprints {
  #size = 0;
  #high = new Uint32Array(1024);
  #low = new Uint32Array(1024);
  #seen = new Uint8Array(1024);
  #unseen = 0;

  get size(): number {
    return this.#size;
  }

  /** How many were never seen. */
  get unseen(): number {
    return this.#unseen;
  }

  add(group: number, key: string, value: string): void {
    if (this.#size >= this.#low.length * FULL) this.#grow();
    const [high, low] = digest(group, key, value);
    const place = this.#find(high, low);
    if (this.#low[place] !== 0) return;
    this.#high[place] = high;
    this.#low[place] = low;
    this.#size += 1;
    this.#unseen += 1;
  }

  /** Marks it; false where it is none of the set. */
  see(group: number, key: string, value: string): boolean {
    const [high, low] = digest(group, key, value);
    const place = this.#find(high, low);
    if (this.#low[place] === 0) return false;
    if (this.#seen[place] === 0) {
      this.#seen[place] = 1;
      this.#unseen -= 1;
    }
    return true;
  }

  wasSeen(group: number, key: string, value: string): boolean {
    const [high, low] = digest(group, key, value);
    return this.#seen[this.#find(high, low)] === 1;
  }

  /** Its place, or the free one where it would go. `low` is never 0 of one that is there. */
  #find(high: number, low: number): number {
    const mask = this.#low.length - 1;
    let place = (low ^ (high << 7)) & mask;
    while (this.#low[place] !== 0) {
      if (this.#low[place] === low && this.#high[place] === high) return place;
      place = (place + 1) & mask;
    }
    return place;
  }

  #grow(): void {
    const [high, low, seen] = [this.#high, this.#low, this.#seen];
    this.#high = new Uint32Array(low.length * 2);
    this.#low = new Uint32Array(low.length * 2);
    this.#seen = new Uint8Array(low.length * 2);
    for (let i = 0; i < low.length; i += 1) {
      if (low[i] === 0) continue;
      const place = this.#find(high[i] ?? 0, low[i] ?? 0);
      this.#high[place] = high[i] ?? 0;
      this.#low[place] = low[i] ?? 0;
      this.#seen[place] = seen[i] ?? 0;
    }
  }
}

/** Two independent multiplicative hashes, each mixed into the other at the end. */
function digest(group: number, key: string, value: string): readonly [number, number] {
  let high = Math.imul(group + 1, 0xdeadbeef);
  let low = Math.imul(group + 1, 0x41c6ce57);
  for (const text of [key, "\n", value]) {
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      high = Math.imul(high ^ code, 0x9e3779b1);
      low = Math.imul(low ^ code, 0x5f356495);
    }
  }
  const mixed =
    Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return [mixed >>> 0, low >>> 0 || 1];
}

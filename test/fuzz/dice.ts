// dice.ts — every random choice of a fuzz run, from one seed.

/** sfc32, a small fast generator whose period no run reaches; not for secrets. */
export class Dice {
  private a: number;
  private b = 0x9e37_79b9;
  private c = 0x243f_6a88;
  private counter = 1;

  constructor(seed: number) {
    this.a = seed | 0;
    this.c ^= Math.floor(seed / 2 ** 32);
    for (let i = 0; i < 16; i += 1) this.next();
  }

  /** 32 bits. */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor((this.next() / 2 ** 32) * below);
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(share: number): boolean {
    return this.next() < share * 2 ** 32;
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.below(from.length)];
    if (one === undefined) throw new Error("nothing to pick from");
    return one;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 1) bytes[i] = this.next();
    return bytes;
  }

  /** Eight random bytes as 16 hex digits; never the sixteen zeros that mean "none". */
  session(): string {
    const half = () => this.next().toString(16).padStart(8, "0");
    return `${half()}${half().slice(1)}1`;
  }
}

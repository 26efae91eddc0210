// table-difference.ts — how the kernel's elements differ from those wanted, without both in memory.
import {
  CONFIGURED,
  type ElementChanges,
  type Elements,
  noElements,
  type SetName,
} from "./elements.js";
import { Fingerprints } from "./fingerprints.js";

const GROUP = Object.fromEntries(CONFIGURED.map((set, index) => [set, index])) as Record<
  SetName,
  number
>;

/** First everything that is `want`ed, then everything that is `see`n, then what is `missing`. */
export class TableDifference {
  readonly #wanted = new Fingerprints();
  readonly #removed = noElements();
  readonly #added = noElements();
  readonly #sizes = CONFIGURED.map(() => 0);

  want(part: Elements): void {
    for (const set of CONFIGURED) {
      this.#sizes[GROUP[set]] = (this.#sizes[GROUP[set]] ?? 0) + part[set].size;
      for (const [key, value] of part[set]) this.#wanted.add(GROUP[set], key, value);
    }
  }

  /** Elements wanted of the largest set. */
  get largest(): number {
    return Math.max(...this.#sizes);
  }

  see(set: SetName, key: string, value: string): void {
    if (!this.#wanted.see(GROUP[set], key, value)) this.#removed[set].set(key, value);
  }

  get isWhole(): boolean {
    return this.#wanted.unseen === 0;
  }

  /** Of the same parts again: those that the kernel lacks. Needless where it `isWhole`. */
  lack(part: Elements): void {
    for (const set of CONFIGURED) {
      for (const [key, value] of part[set]) {
        if (!this.#wanted.wasSeen(GROUP[set], key, value)) this.#added[set].set(key, value);
      }
    }
  }

  /** A changed value is one change. */
  changes(): ElementChanges {
    let count = 0;
    for (const set of CONFIGURED) {
      count += this.#removed[set].size;
      for (const key of this.#added[set].keys()) if (!this.#removed[set].has(key)) count += 1;
    }
    return { removed: this.#removed, added: this.#added, count };
  }
}

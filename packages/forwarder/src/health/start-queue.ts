// start-queue.ts — who starts next: a binary heap, so that thousands of checks cost no more than their number's logarithm.
import type { Millis } from "@lbpair/common";

interface Entry<T> {
  readonly at: Millis;
  /** Of equal times the one that was put in first. */
  readonly order: number;
  readonly item: T;
}

const before = <T>(a: Entry<T>, b: Entry<T>): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);

export class StartQueue<T> {
  readonly #heap: Entry<T>[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the first one is due; null = there is none. */
  get next(): Millis | null {
    return this.#heap[0]?.at ?? null;
  }

  put(at: Millis, item: T): void {
    const entry = { at, order: this.#order, item };
    this.#order += 1;
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !before(entry, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = entry;
  }

  /** Takes the one longest overdue; undefined where nobody is due. */
  take(now: Millis): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.at > now) return undefined;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first.item;
  }

  /** Takes out everything else. */
  keep(wanted: (item: T) => boolean): void {
    const kept = this.#heap.filter(({ item }) => wanted(item));
    this.#heap.length = 0;
    for (const { at, item } of kept.sort((a, b) => a.order - b.order)) this.put(at, item);
  }

  #sink(entry: Entry<T>): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      const left = heap[below];
      if (left === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && before(right, left)) below += 1;
      const child = right !== undefined && before(right, left) ? right : left;
      if (!before(child, entry)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = entry;
  }
}

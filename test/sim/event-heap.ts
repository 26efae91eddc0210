// event-heap.ts — what is due next: a binary heap, ties in the order in which they were asked for.

export interface Due {
  readonly at: number;
  readonly order: number;
  /** Run of the daemon it belongs to; 0 = the machine's or the world's own. */
  readonly run: number;
  /** A timer of the daemon; what is not comes by a file descriptor, and after a pause is read later. */
  readonly timer: boolean;
  readonly work: () => void;
}

const before = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

export class EventHeap {
  private readonly items: Due[] = [];

  /** When the next is due; Infinity = nothing is. */
  get nextAt(): number {
    const first = this.items[0];
    return first === undefined ? Number.POSITIVE_INFINITY : first.at;
  }

  push(due: Due): void {
    const { items } = this;
    let i = items.length;
    items.push(due);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = items[up] as Due;
      if (!before(due, parent)) break;
      items[i] = parent;
      i = up;
    }
    items[i] = due;
  }

  pop(): Due | undefined {
    const { items } = this;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    let i = 0;
    for (let child = 1; child < items.length; child = 2 * i + 1) {
      const right = child + 1;
      if (right < items.length && before(items[right] as Due, items[child] as Due)) child = right;
      const least = items[child] as Due;
      if (!before(least, last)) break;
      items[i] = least;
      i = child;
    }
    items[i] = last;
    return first;
  }
}

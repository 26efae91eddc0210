// in-slices.ts — work on many items that lets the event loop have its turns.

/** Longest that the loop waits for a slice. */
const SLICE_MS = 10;

export const nextTurn = (): Promise<void> => new Promise((resume) => setImmediate(resume));

export async function inSlices<T>(items: Iterable<T>, work: (item: T) => void): Promise<void> {
  let until = performance.now() + SLICE_MS;
  for (const item of items) {
    work(item);
    if (performance.now() < until) continue;
    await nextTurn();
    until = performance.now() + SLICE_MS;
  }
}

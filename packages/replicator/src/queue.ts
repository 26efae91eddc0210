// queue.ts — one change at a time: what writes configuration waits for its turn.

export const WAITING_MAX = 32;

/** Runs tasks one after the other; throws at once where too many wait. */
export type Queue = <T>(task: () => Promise<T>) => Promise<T>;

export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return (task) => {
    if (waiting >= WAITING_MAX) return Promise.reject(new Error("too many changes are waiting"));
    waiting += 1;
    const mine = last.then(task).finally(() => {
      waiting -= 1;
    });
    last = mine.catch(() => undefined);
    return mine;
  };
}

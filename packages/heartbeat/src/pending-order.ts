// pending-order.ts — an operator's order under way: one at a time, answered when it is done or refused.
import { type Clock, type MakeActiveAnswer, type Millis, RefusalError } from "@lbpair/common/light";

/** Longest wait for the answer; every order settles itself long before. */
export const ORDER_MS_MAX = 60_000;

interface Pending {
  readonly since: Millis;
  readonly settle: (answer: MakeActiveAnswer) => void;
}

export class PendingOrder {
  private readonly clock: Clock;
  private pending: Pending | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Calls `begin` and waits for `answer`. Throws RefusalError where another order is under way. */
  give(begin: () => void): Promise<MakeActiveAnswer> {
    if (this.pending !== undefined) {
      throw new RefusalError(409, "another make-active is under way");
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending = undefined;
        reject(new RefusalError(504, `no answer within ${ORDER_MS_MAX} ms`));
      }, ORDER_MS_MAX);
      this.pending = {
        since: this.clock.now(),
        settle: (answer) => {
          clearTimeout(timer);
          this.pending = undefined;
          resolve(answer);
        },
      };
      begin();
    });
  }

  /** Answers the order that waits, if one does. */
  answer(done: boolean, message: string): void {
    if (this.pending === undefined) return;
    const tookMs = Math.round(this.clock.now() - this.pending.since);
    this.pending.settle({ done, message, tookMs });
  }
}

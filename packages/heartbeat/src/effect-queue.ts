// effect-queue.ts — effects one after the other, in the order in which they were decided.

export class EffectQueue<Effect> {
  private readonly perform: (effect: Effect) => Promise<void> | void;
  private readonly onError: (effect: Effect, error: unknown) => void;
  private tail: Promise<void> = Promise.resolve();

  constructor(
    perform: (effect: Effect) => Promise<void> | void,
    onError: (effect: Effect, error: unknown) => void,
  ) {
    this.perform = perform;
    this.onError = onError;
  }

  /** An effect that fails is told; those behind it are performed all the same. */
  push(effects: readonly Effect[]): void {
    if (effects.length === 0) return;
    this.tail = this.tail.then(async () => {
      for (const effect of effects) {
        try {
          await this.perform(effect);
        } catch (error) {
          this.onError(effect, error);
        }
      }
    });
  }

  /** Resolves when everything pushed so far has been performed. */
  settled(): Promise<void> {
    return this.tail;
  }
}

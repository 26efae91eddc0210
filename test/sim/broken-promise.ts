// broken-promise.ts — what a life ends with when an invariant does not hold.

export class BrokenPromise extends Error {
  readonly promise: string;
  readonly at: number;

  constructor(promise: string, at: number, text: string) {
    super(`${promise}: ${text}`);
    this.promise = promise;
    this.at = at;
  }
}

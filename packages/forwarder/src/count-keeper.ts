// count-keeper.ts — wiring: counts of elements that are gone are on disk soon, so that a restart loses none.
import type { Log } from "@lbpair/common";
import type { Totals } from "./counters.js";
import { writeTotals } from "./totals-file.js";

/** Counts that changed are written after this time, many at once. */
const KEEP_MS = 200;

export class CountKeeper {
  readonly #file: string;
  readonly #past: () => Totals;
  readonly #log: Log;
  #kept: Totals;
  #timer: NodeJS.Timeout | null = null;

  constructor(file: string, past: () => Totals, log: Log) {
    this.#file = file;
    this.#past = past;
    this.#log = log;
    this.#kept = past();
  }

  /** A removed element's count is in memory only until then. */
  keepSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.keep();
    }, KEEP_MS);
  }

  async keep(): Promise<void> {
    const past = this.#past();
    if (past === this.#kept) return;
    try {
      await writeTotals(this.#file, past);
      this.#kept = past;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn({ error: reason }, "counts cannot be kept");
    }
  }
}

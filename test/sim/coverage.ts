// coverage.ts — how often each fault has struck a pair in each of its states.
import { FAULT_NAMES, type FaultName } from "./faults.js";
import { IMPOSSIBLE, PAIR_STATES } from "./pair-state.js";

export class Coverage {
  readonly counts: number[] = new Array(FAULT_NAMES.length * PAIR_STATES.length).fill(0);

  count(fault: FaultName, state: string): void {
    const cell = FAULT_NAMES.indexOf(fault) * PAIR_STATES.length + PAIR_STATES.indexOf(state);
    this.counts[cell] = (this.counts[cell] ?? 0) + 1;
  }

  add(counts: readonly number[]): void {
    for (const [i, count] of counts.entries()) this.counts[i] = (this.counts[i] ?? 0) + count;
  }

  at(fault: FaultName, state: string): number {
    return (
      this.counts[FAULT_NAMES.indexOf(fault) * PAIR_STATES.length + PAIR_STATES.indexOf(state)] ?? 0
    );
  }

  /** Cells that can be reached and were struck less often than that. */
  below(
    least: number,
  ): { readonly fault: FaultName; readonly state: string; readonly count: number }[] {
    return FAULT_NAMES.flatMap((fault) =>
      PAIR_STATES.filter((state) => IMPOSSIBLE[state] === undefined).flatMap((state) => {
        const count = this.at(fault, state);
        return count < least ? [{ fault, state, count }] : [];
      }),
    );
  }

  /** A row for each fault, a column for each state of the pair. */
  table(): string {
    const short = (count: number): string =>
      count < 100_000 ? String(count) : `${Math.round(count / 1000)}k`;
    const width = 6;
    const states = PAIR_STATES.filter((state) => IMPOSSIBLE[state] === undefined);
    const head = ["".padEnd(26), ...states.map((state) => state.padStart(width))].join("");
    const rows = FAULT_NAMES.map((fault) =>
      [
        fault.padEnd(26),
        ...states.map((state) => short(this.at(fault, state)).padStart(width)),
      ].join(""),
    );
    return [head, ...rows].join("\n");
  }
}

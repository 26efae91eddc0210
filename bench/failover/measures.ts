// measures.ts — everything that was measured, as one flat list: scenario, product, figure, values.

export type Unit = "ms" | "count" | "percent" | "MB";

/** One value per round, of one figure of one product in one scenario. */
export interface Measure {
  readonly scenario: string;
  readonly product: string;
  readonly figure: string;
  readonly unit: Unit;
  readonly values: readonly number[];
}

/** A thing that could not be measured, said aloud in the report. */
export interface Failure {
  readonly scenario: string;
  readonly product: string;
  readonly reason: string;
}

export interface Book {
  note(
    scenario: string,
    product: string,
    figure: string,
    value: number | undefined,
    unit?: Unit,
  ): void;
  fail(scenario: string, product: string, reason: string): void;
  values(scenario: string, product: string, figure: string): readonly number[];
  readonly measures: readonly Measure[];
  readonly failures: readonly Failure[];
}

export function createBook(): Book {
  const measures: (Measure & { values: number[] })[] = [];
  const failures: Failure[] = [];
  const find = (scenario: string, product: string, figure: string) =>
    measures.find((m) => m.scenario === scenario && m.product === product && m.figure === figure);
  return {
    note(scenario, product, figure, value, unit = "ms") {
      if (value === undefined) return;
      const known = find(scenario, product, figure);
      if (known === undefined) measures.push({ scenario, product, figure, unit, values: [value] });
      else known.values.push(value);
    },
    fail(scenario, product, reason) {
      failures.push({ scenario, product, reason });
    },
    values: (scenario, product, figure) => find(scenario, product, figure)?.values ?? [],
    measures,
    failures,
  };
}

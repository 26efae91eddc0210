// statistics.ts — what is said of a series of measured values.

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? 0;
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2;
}

export const least = (values: readonly number[]): number =>
  values.length === 0 ? 0 : Math.min(...values);
export const most = (values: readonly number[]): number =>
  values.length === 0 ? 0 : Math.max(...values);
export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Three digits are enough for anything that two cores measure. */
export const short = (value: number): string =>
  Number.isInteger(value) || Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(1);

/** `12 (9-30)`; one value stands for itself. */
export function spread(values: readonly number[]): string {
  const middle = short(median(values));
  const [low, high] = [short(least(values)), short(most(values))];
  return low === high ? middle : `${middle} (${low}-${high})`;
}

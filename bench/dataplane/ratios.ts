// ratios.ts — how much of another product's figure a product reaches, round by round, with a 95 % interval.

export interface Ratio {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}

/** Student's t at 97.5 %, by degrees of freedom; more are nearly normal. */
const T_975: readonly (readonly [number, number])[] = [
  [1, 12.706],
  [2, 4.303],
  [3, 3.182],
  [4, 2.776],
  [5, 2.571],
  [6, 2.447],
  [7, 2.365],
  [8, 2.306],
  [9, 2.262],
  [10, 2.228],
  [12, 2.179],
  [15, 2.131],
  [19, 2.093],
  [25, 2.06],
  [30, 2.042],
  [60, 2.0],
];

/** The next lower number of degrees that is listed: an interval rather too wide than too narrow. */
const quantile = (degrees: number): number =>
  T_975.filter(([listed]) => listed <= degrees).at(-1)?.[1] ?? Number.POSITIVE_INFINITY;

/**
 * The geometric mean of the ratios of each round, in which both were measured within seconds of each
 * other: what slows the machine for a minute slows both.
 */
export function ratioOf(mine: readonly number[], others: readonly number[]): Ratio | undefined {
  const rounds = Math.min(mine.length, others.length);
  if (rounds < 2) return undefined;
  const logs = Array.from({ length: rounds }, (_, i) =>
    Math.log((mine[i] ?? Number.NaN) / (others[i] ?? Number.NaN)),
  );
  const mean = logs.reduce((sum, value) => sum + value, 0) / rounds;
  const squares = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half = quantile(rounds - 1) * Math.sqrt(squares / (rounds - 1) / rounds);
  return {
    middle: Math.exp(mean),
    low: Math.exp(mean - half),
    high: Math.exp(mean + half),
    rounds,
  };
}

export const ratioText = ({ middle, low, high }: Ratio): string =>
  `${middle.toFixed(3)} (${low.toFixed(3)}-${high.toFixed(3)})`;

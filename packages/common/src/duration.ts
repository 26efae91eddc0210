// duration.ts — lengths of time: branded milliseconds in code, "200ms" or "5m" in files.

/** A length of time, or a point on a monotonic clock, in milliseconds. */
export type Millis = number & { readonly unit?: "ms" };

export const millis = (value: number): Millis => value as Millis;
export const seconds = (value: number): Millis => millis(value * 1000);

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** Longest duration a file may hold: one week. */
export const DURATION_MS_MAX = 7 * 24 * 3_600_000;

/** "200ms", "1s", "1.5s", "5m", "2h" to milliseconds; undefined where it is none. */
export function parseDuration(text: string): Millis | undefined {
  const match = /^(\d{1,9})(?:\.(\d{1,3}))?(ms|s|m|h)$/.exec(text);
  const unit = UNITS[match?.[3] ?? ""];
  if (match?.[1] === undefined || unit === undefined) return undefined;
  // In whole thousandths: 1.001 * 1000 is not 1001 in binary fractions.
  const thousandths = Number(match[1]) * 1000 + Number((match[2] ?? "").padEnd(3, "0"));
  const value = (thousandths * unit) / 1000;
  if (!Number.isInteger(value) || value > DURATION_MS_MAX) return undefined;
  return millis(value);
}

/** The shortest exact form: 200 is "200ms", 90000 is "90s", 300000 is "5m". */
export function formatDuration(value: number): string {
  for (const [unit, size] of [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const) {
    if (value >= size && value % size === 0) return `${value / size}${unit}`;
  }
  return `${value}ms`;
}

/** For people: "0.42 s", "12 s", "3 min", "2 h 05 min". */
export function describeDuration(value: number): string {
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 10_000) return `${(value / 1000).toFixed(1)} s`;
  if (value < 120_000) return `${Math.round(value / 1000)} s`;
  if (value < 7_200_000) return `${Math.round(value / 60_000)} min`;
  if (value < 172_800_000) {
    const minutes = Math.round(value / 60_000);
    return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  }
  return `${Math.round(value / 86_400_000)} d`;
}

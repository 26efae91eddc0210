// moment.ts — points in time that people set and read: wall time in UTC, to the second, in files.

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** "2026-11-30T18:00:00Z" to milliseconds since 1970; undefined where it is none. */
export function parseMoment(text: string): number | undefined {
  if (!MOMENT.test(text)) return undefined;
  const at = Date.parse(text);
  // The thirtieth of February is a date of the next month to the parser.
  return Number.isNaN(at) || formatMoment(at) !== text ? undefined : at;
}

export const formatMoment = (at: number): string =>
  `${new Date(at).toISOString().slice(0, "2026-11-30T18:00:00".length)}Z`;

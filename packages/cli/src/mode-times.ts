// mode-times.ts — until when a mode holds, as people type it: a duration, a time of day, a date.
import { formatMoment, parseDuration, parseMoment } from "@lbpair/common";

const DAY_MS = 86_400_000;
export const FOR_WANT = "a duration like 30m, 2h or 3d";
export const UNTIL_WANT = "a time like 18:00, 2026-12-01 06:00 or 2026-12-01T05:00:00Z";

/** Durations as in files, and days. */
export function parseLength(text: string): number | undefined {
  const days = /^(\d{1,3})d$/.exec(text)?.[1];
  const ms = days === undefined ? parseDuration(text) : Number(days) * DAY_MS;
  return ms === undefined || ms <= 0 ? undefined : ms;
}

const LOCAL = /^(?:(\d{4})-(\d{2})-(\d{2})[ T])?(\d{1,2}):(\d{2})(?::(\d{2}))?$/;

/** A time of day is today's or, where that has passed, tomorrow's; both are this machine's local time. */
export function parseUntil(text: string, now: number): string | undefined {
  if (parseMoment(text) !== undefined) return text;
  const match = LOCAL.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match.map((part) => Number(part ?? 0));
  const today = new Date(now);
  const dated = match[1] !== undefined;
  const date = dated
    ? new Date(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
    : new Date(today.getFullYear(), today.getMonth(), today.getDate(), hour, minute, second);
  const sound = date.getHours() === hour && date.getMinutes() === minute;
  if (!sound || (dated && (date.getDate() !== day || date.getMonth() + 1 !== month))) {
    return undefined;
  }
  if (!dated && date.getTime() <= now) date.setDate(date.getDate() + 1);
  return formatMoment(date.getTime());
}

// event-lines.ts — what happened on both nodes as one story, sorted by time.
import type { EventRecord } from "@lbpair/common";
import { type Line, line, padLine, span, type Tone } from "../render/text.js";

const TONES: Readonly<Record<EventRecord["level"], Tone>> = {
  info: "plain",
  warn: "yellow",
  alarm: "red",
};

/** Both nodes' events in one order; the same event is kept once. */
export function mergeEvents(lists: readonly (readonly EventRecord[])[]): EventRecord[] {
  const seen = new Map<string, EventRecord>();
  for (const record of lists.flat()) {
    seen.set(`${record.node} ${record.daemon} ${record.seq} ${record.at}`, record);
  }
  return [...seen.values()].sort(
    (a, b) =>
      a.at.localeCompare(b.at) ||
      a.node.localeCompare(b.node) ||
      a.daemon.localeCompare(b.daemon) ||
      a.seq - b.seq,
  );
}

/** Day and time with milliseconds where the reader is. */
function localTime(iso: string): { readonly day: string; readonly time: string } {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return { day: "", time: iso };
  const pad = (value: number, digits = 2): string => String(value).padStart(digits, "0");
  return {
    day: `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`,
    time: `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`,
  };
}

/** One line per event, and a line for each new day; `day` is the last one shown before. */
export function eventLines(
  records: readonly EventRecord[],
  day = "",
): { readonly lines: Line[]; readonly day: string } {
  const lines: Line[] = [];
  let shown = day;
  const nodeWidth = Math.max(3, ...records.map((record) => record.node.length));
  for (const record of records) {
    const local = localTime(record.at);
    if (local.day !== shown) {
      lines.push(line(span(local.day, "bold")));
      shown = local.day;
    }
    const tone = TONES[record.level];
    lines.push([
      span(`${local.time}  `, "dim"),
      ...padLine([span(record.node, "bold")], nodeWidth + 1),
      ...padLine([span(record.daemon, "dim")], 12),
      ...padLine([span(record.level === "info" ? "" : record.level.toUpperCase(), tone)], 6),
      span(record.text, tone),
      span(`  ${record.event}`, "dim"),
    ]);
  }
  return { lines, day: shown };
}

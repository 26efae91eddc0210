// switch-times-line.ts — the worst cases of the configuration in force on a line or two, each beside the last one measured.
import type { TimingRow } from "@lbpair/common";
import { type Line, type Span, span } from "../render/text.js";
import { showTime } from "./check-lines.js";
import { type SwitchTimes, showMeasured } from "./measured-switches.js";

const SHORT: Readonly<Partial<Record<TimingRow["event"], string>>> = {
  "node-failure": "a node dies",
  freeze: "its daemon freezes",
  health: "a link is lost",
  planned: "planned",
  "service-failure": "a server dies",
};

/** Of several rows of a kind, one per service, the worst. */
function worstOf(timing: readonly TimingRow[], event: TimingRow["event"]): TimingRow | undefined {
  return timing
    .filter((row) => row.event === event)
    .reduce<TimingRow | undefined>(
      (worst, row) => (worst === undefined || row.worstMs > worst.worstMs ? row : worst),
      undefined,
    );
}

export function switchTimesLine({ timing, measured, nowMs }: SwitchTimes): Line {
  const parts: Span[] = [];
  for (const [event, words] of Object.entries(SHORT) as [TimingRow["event"], string][]) {
    const row = worstOf(timing, event);
    if (row === undefined) continue;
    const service = row.service === undefined ? "" : ` (${row.service})`;
    parts.push(span(`${parts.length === 0 ? "" : "; "}${words}${service} `));
    parts.push(span(showTime(row.worstMs), "bold"));
    if (measured.has(event))
      parts.push(span(` (last ${showMeasured(measured, row, nowMs)})`, "dim"));
  }
  return parts;
}

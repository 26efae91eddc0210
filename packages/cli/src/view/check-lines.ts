// check-lines.ts — what `lbpair check` says: problems first; where there are none, what to expect.
import { type CoverageByRule, describeDuration, type TimingRow } from "@lbpair/common";
import type { CheckReport } from "../check-candidate.js";
import type { Glyphs } from "../render/glyphs.js";
import { type TableRow, table } from "../render/table.js";
import { type Line, line, span, wrapLine } from "../render/text.js";
import { showMeasured } from "./measured-switches.js";
import { countProblems, countSeverity, problemLines } from "./problem-lines.js";
import type { ViewOptions } from "./status-lines.js";

/** Services listed one by one; of more, the uncovered ones and a count. */
const SERVICES_LISTED_MAX = 40;

function coverageLines(
  coverage: readonly CoverageByRule[],
  glyphs: Glyphs,
  columns: number,
): Line[] {
  const covered = coverage.filter((one) => one.byRule).length;
  const listed =
    coverage.length <= SERVICES_LISTED_MAX
      ? coverage
      : coverage.filter((one) => !one.byRule).slice(0, SERVICES_LISTED_MAX);
  const all = covered === coverage.length;
  return [
    line(
      span("failover without table sync  ", "dim"),
      span(
        all
          ? coverage.length === 1
            ? "the service is covered"
            : `all ${coverage.length} services are covered`
          : `${covered} of ${coverage.length} services are covered`,
        all ? "green" : "yellow",
      ),
    ),
    ...listed.flatMap((one) => {
      const text = line(
        span(one.byRule ? `  ${glyphs.on} ` : `  ${glyphs.some} `, one.byRule ? "green" : "yellow"),
        span(one.label, "bold"),
        one.byRule ? ": covered, because " : ": not covered, because ",
        one.reason,
      );
      return wrapLine(text, columns - 4).map((part, index) =>
        index === 0 ? part : [span("    "), ...part],
      );
    }),
  ];
}

const MINUTES_FROM_MS = 600_000;

/** Seconds up to ten minutes: "270 s" says more than "5 min" beside "310 s". */
export const showTime = (ms: number): string =>
  ms >= 1000 && ms < MINUTES_FROM_MS
    ? `${Number((ms / 1000).toFixed(ms < 10_000 ? 1 : 0))} s`
    : describeDuration(ms);

const showDetection = (row: TimingRow): string => {
  const { bestMs, worstMs } = row.detection;
  if (worstMs === 0) return "at once";
  const [best, worst] = [showTime(bestMs), showTime(worstMs)];
  return best === worst ? worst : `${best} to ${worst}`;
};

function timingLines(report: CheckReport, glyphs: Glyphs, columns: number, nowMs: number): Line[] {
  const { timing, measured } = report;
  const shown = timing.slice(0, SERVICES_LISTED_MAX * 2);
  const rows: TableRow[] = shown.flatMap((row): TableRow[] => [
    {
      cells: [
        line(`  ${row.what}`),
        line(showDetection(row)),
        line(showTime(row.switchMs)),
        line(span(showTime(row.worstMs), "bold")),
        ...(measured.size === 0 ? [] : [line(showMeasured(measured, row, nowMs))]),
      ],
    },
    { indent: 4, across: line(span(`${glyphs.why} clients: ${row.clients}`, "dim")) },
  ]);
  const more = timing.length - shown.length;
  return [
    ...table(
      [
        { title: "worst case, by these settings", shrinksTo: 30 },
        { title: "found out in", align: "right" },
        { title: "switch", align: "right" },
        { title: "worst", align: "right" },
        ...(measured.size === 0 ? [] : [{ title: "last measured", leaves: 1 }]),
      ],
      rows,
      columns,
    ),
    ...(more > 0 ? [line(span(`  and ${more} more rows (--json shows all)`, "dim"))] : []),
  ];
}

/** Nothing on the node can tell: the device is made, and its frames are dropped by the host. */
const HYPERVISOR =
  "Virtual MACs are on. On virtual machines the host has to let them through (VMware: MAC address changes, forged transmits, promiscuous mode); docs/failover.md says how to tell.";

/** The whole report. */
export function checkLines(
  report: CheckReport,
  { glyphs, columns }: ViewOptions,
  nowMs: number,
): Line[] {
  const errors = countSeverity(report.problems, "error");
  const names = report.files.join(", ");
  const count = countProblems(report.problems);
  const head =
    errors > 0
      ? line(span(`${glyphs.bad} ${count}`, "red"), ` in ${names}`)
      : line(
          span(`${glyphs.on} good`, "green"),
          span(count === "" ? "" : `, ${count}`, "yellow"),
          `: ${names}`,
        );
  const lines: Line[] = [head, ...problemLines(report.problems, glyphs)];
  for (const note of report.notes) lines.push(line(span(`${glyphs.off} ${note}`, "dim")));
  if (errors > 0 || report.services === null) return lines;
  if (report.coverage.length > 0)
    lines.push([], ...coverageLines(report.coverage, glyphs, columns));
  lines.push([], ...timingLines(report, glyphs, columns, nowMs));
  if (report.services.heartbeat.virtualMac)
    lines.push([], ...wrapLine(line(span(HYPERVISOR, "dim")), columns));
  return lines;
}

// what-if-lines.ts — the last day of a server's checks, as it was judged and as it would have been.
import {
  describeDuration,
  type Episode,
  type Replay,
  type Rhythm,
  type WhatIfAnswer,
} from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { showCount } from "../render/numbers.js";
import { type Column, table } from "../render/table.js";
import { EMPTY_LINE, type Line, line, type Span, span } from "../render/text.js";

export interface WhatIfView {
  readonly glyphs: Glyphs;
  readonly columns: number;
  /** Wall time in milliseconds. */
  readonly now: number;
}

const COLUMNS: readonly Column[] = [{ title: "" }, { title: "as it is" }, { title: "as proposed" }];
/** Times told one by one. */
const EPISODES_SHOWN = 5;

/** "30 s, 10 failures, 1 success" */
function showRhythm({ interval, failingInterval, failures, successes }: Rhythm): string {
  const failing =
    failingInterval === null ? "" : ` (failing: ${describeDuration(failingInterval)})`;
  const good = successes === 1 ? "" : `, ${successes} successes`;
  return `every ${describeDuration(interval)}${failing}, ${failures} failure${failures === 1 ? "" : "s"}${good}`;
}

const longest = ({ times, noticedMsMax }: Replay): string =>
  times === 0 ? "-" : describeDuration(noticedMsMax);

/** More trouble, or trouble seen sooner, is what the eye should find. */
const marked = (text: string, differs: boolean): Span => span(text, differs ? "yellow" : "plain");

function rows({ present, proposed }: WhatIfAnswer): { cells: Line[] }[] {
  const row = (title: string, of: (replay: Replay) => string) => ({
    cells: [
      line(span(title, "dim")),
      line(of(present)),
      line(marked(of(proposed), of(present) !== of(proposed))),
    ],
  });
  return [
    row("checked", ({ rhythm }) => showRhythm(rhythm)),
    row("checks", ({ checks }) => showCount(checks)),
    row("unhealthy", ({ times }) => `${showCount(times)} time${times === 1 ? "" : "s"}`),
    row("in all", ({ unhealthyMs }) => (unhealthyMs === 0 ? "-" : describeDuration(unhealthyMs))),
    row("noticed within", longest),
  ];
}

const clock = (at: number): string => {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

function episodeLine({ from, to, noticedMs }: Episode, { now }: WhatIfView): Line {
  const end = to === null ? "now".padEnd(8) : clock(to);
  const lasted = describeDuration((to ?? now) - from);
  return line(
    `    ${clock(from)} - ${end}  ${lasted}`,
    span(`, noticed after ${describeDuration(noticedMs)}`, "dim"),
  );
}

function episodeLines(title: string, { episodes, times }: Replay, view: WhatIfView): Line[] {
  if (times === 0) return [];
  const shown = episodes.slice(-EPISODES_SHOWN);
  const more = times - shown.length;
  const before = more === 0 ? "" : `, the last ${shown.length} of ${showCount(times)}`;
  return [
    line(span(`  unhealthy ${title}${before}`, "dim")),
    ...shown.map((one) => episodeLine(one, view)),
  ];
}

function answerLines(answer: WhatIfAnswer, view: WhatIfView): Line[] {
  const { id, recordedFrom, results, failed, present, proposed } = answer;
  if (recordedFrom === null) {
    return [line(span(id, "bold"), span("  nothing is recorded yet", "dim"))];
  }
  const since = describeDuration(view.now - recordedFrom);
  const told = `  ${showCount(results)} results in ${since}, ${showCount(failed)} failed`;
  const finer = proposed.rhythm.interval < present.rhythm.interval;
  const note = `  Recorded every ${describeDuration(present.rhythm.interval)}: what happened in between nobody saw.`;
  return [
    line(span(id, "bold"), span(told, "dim")),
    ...table(COLUMNS, rows(answer), view.columns - 2).map((of): Line => [span("  "), ...of]),
    ...episodeLines("as it is", present, view),
    ...episodeLines("as proposed", proposed, view),
    ...(finer ? [line(span(note, "dim"))] : []),
  ];
}

export const whatIfLines = (answers: readonly WhatIfAnswer[], view: WhatIfView): Line[] =>
  answers.flatMap((answer, index) => [
    ...(index === 0 ? [] : [EMPTY_LINE]),
    ...answerLines(answer, view),
  ]);

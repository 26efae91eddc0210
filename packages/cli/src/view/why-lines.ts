// why-lines.ts — what `lbpair why` prints: one switch on one screen, or the list of them.
import type { TransitionRecord } from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { showWall } from "../render/numbers.js";
import { type TableRow, table } from "../render/table.js";
import { type Line, line, lineWidth, padLine, span, type Tone, wrapLine } from "../render/text.js";
import type { ViewOptions } from "./status-lines.js";
import type { PairTransition } from "./transition-pairs.js";
import { type Story, type StoryRow, tellStory } from "./transition-story.js";

/** Wider terminals get no wider bars: an eye compares short ones better. */
const COLUMNS_MAX = 100;
const EIGHTHS = 8;

/** "0.4 ms", "31 ms", "1.03 s", "3 min": as many digits as matter. */
export function showMs(ms: number): string {
  const size = Math.abs(ms);
  if (size < 0.05) return "0 ms";
  if (size < 9.95) return `${Number(ms.toFixed(1))} ms`;
  if (size < 999.5) return `${Math.round(ms)} ms`;
  if (size < 99_950) return `${(ms / 1000).toFixed(size < 9995 ? 2 : 1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** A bar of at most `room` columns, in eighths of a column; never empty where there is something. */
export function bar(share: number, room: number, glyphs: Glyphs): string {
  const eighths = Math.max(share > 0 ? 1 : 0, Math.round(Math.min(1, share) * room * EIGHTHS));
  const part = eighths % EIGHTHS;
  const whole = (glyphs.bar[0] ?? "").repeat(Math.floor(eighths / EIGHTHS));
  return whole + (part === 0 ? "" : (glyphs.bar[part] ?? ""));
}

const signed = (ms: number, glyphs: Glyphs): string => {
  if (Math.abs(ms) < 0.05) return "0 ms";
  return `${ms < 0 ? glyphs.minus : "+"}${showMs(Math.abs(ms))}`;
};

function phaseLines(story: Story, glyphs: Glyphs, columns: number): Line[] {
  const { detectionMs, decisionMs, switchingMs, totalMs } = story.phases;
  const room = columns - 24;
  const rows: readonly [string, number | null, Tone][] = [
    ["detection", detectionMs, "blue"],
    ["decision", decisionMs, "yellow"],
    ["switching", switchingMs, "green"],
  ];
  const lines = rows.map(([label, ms, tone]): Line => {
    const shown = ms === null ? "not done" : showMs(ms);
    const share = ms === null || totalMs <= 0 ? 0 : ms / totalMs;
    const text = line(span(`  ${label.padEnd(10)}`, "dim"), span(shown.padStart(9), "bold"), "  ");
    return [...text, span(bar(share, room, glyphs), tone)];
  });
  const total = span(showMs(totalMs).padStart(9), "bold");
  return [...lines, line(span(`  ${"total".padEnd(10)}`, "dim"), total)];
}

const TONES: Readonly<Record<StoryRow["weight"], Tone>> = {
  decision: "bold",
  cause: "plain",
  step: "plain",
  trouble: "red",
};

const BAR_ROOM = 12;
const TIME_WIDTH = 10;

/** The story's moments; a step that lasted has its duration and a bar on a scale of its own. */
function rowLines(story: Story, nodes: readonly string[], glyphs: Glyphs, columns: number): Line[] {
  const nodeWidth = Math.max(...nodes.map((node) => node.length), 3);
  const longest = Math.max(1, ...story.rows.map(({ tookMs }) => tookMs ?? 0));
  const indent = TIME_WIDTH + nodeWidth + 4;
  return story.rows.flatMap((row) => {
    const tone = TONES[row.weight];
    const sign = row.weight === "decision" ? span(`${glyphs.arrow} `, "yellow") : span("  ");
    const head: Line = [
      span(
        signed(row.atMs, glyphs).padStart(TIME_WIDTH),
        row.weight === "decision" ? "bold" : "dim",
      ),
      span("  "),
      span(row.node.padEnd(nodeWidth), row.node === nodes[0] ? "green" : "blue"),
      sign,
    ];
    const took: Line =
      row.tookMs === null
        ? []
        : [
            span(showMs(row.tookMs).padStart(9), "bold"),
            span(" "),
            span(bar(row.tookMs / longest, BAR_ROOM, glyphs), "green"),
          ];
    const room = columns - indent - (took.length === 0 ? 0 : BAR_ROOM + 11);
    const [first = [], ...rest] = wrapLine([span(row.text, tone)], room);
    const blank = span(" ".repeat(indent));
    return [
      [...head, ...(took.length === 0 ? first : [...padLine(first, room), ...took])],
      ...rest.map((part) => [blank, ...part]),
    ];
  });
}

function judgeText(record: TransitionRecord): string {
  const { lateMaxMs, lateP99Ms, faults, peer } = record.situation;
  const health = (count: number): string => (count === 0 ? "well" : `${count} faults`);
  const theirs = peer === null ? "" : `, ${record.peerName ?? "the peer"} ${health(peer.faults)}`;
  const late = `${record.node}'s own beats were at most ${showMs(lateMaxMs)} late (99 of 100 within ${showMs(lateP99Ms)})`;
  return `${late}; ${record.node} ${health(faults)}${theirs}`;
}

const times = (count: number): string => (count === 1 ? "once" : `${count} times`);

function probeText({ probes, rule }: TransitionRecord): string {
  if (rule !== "silence") return "";
  const asked =
    probes.sent === 0 ? "" : `asked ${times(probes.sent)} for an answer on every path, none came`;
  const earlier =
    probes.answeredBefore === 0
      ? ""
      : `; in the 30 s before, it was in doubt ${times(probes.answeredBefore)} and was answered`;
  return `${asked}${earlier}`;
}

function clockText({ main, other, clock }: PairTransition): string {
  if (other === null) return "";
  if (clock === null) {
    return `the clocks of ${main.node} and ${other.node} were not compared: times of ${other.node} are as its own clock has them`;
  }
  const { offsetMs, uncertainMs } = clock;
  const how = `${showMs(Math.abs(offsetMs))} ${offsetMs < 0 ? "behind" : "ahead"}, give or take ${showMs(uncertainMs)}`;
  return `${other.node}'s clock was ${how}; its times are corrected by that`;
}

const headTone = (story: Story): Tone =>
  story.active === null || story.rule === "no-answer"
    ? "red"
    : ["order", "failback", "stop", "request"].includes(story.rule)
      ? "green"
      : "yellow";

export interface WhyOptions extends ViewOptions {
  /** Which of how many, 1 = the latest. */
  readonly number: number;
  readonly of: number;
  /** Sentences on what could not be asked. */
  readonly missing: readonly string[];
}

function labelled(label: string, text: string, columns: number): Line[] {
  if (text === "") return [];
  const width = 13;
  return wrapLine([span(text)], columns - width).map((part, index) => [
    ...padLine([span(index === 0 ? `  ${label}` : "", "dim")], width),
    ...part,
  ]);
}

/** One switch, told so that it fits on one screen. */
export function whyLines(pair: PairTransition, options: WhyOptions): Line[] {
  const { glyphs } = options;
  const columns = Math.min(COLUMNS_MAX, Math.max(60, options.columns));
  const story = tellStory(pair);
  const { main, other } = pair;
  const head = span(
    `${story.active === null ? glyphs.bad : glyphs.on} ${story.headline}`,
    headTone(story),
  );
  const count = span(`${options.number} of ${options.of}`, "dim");
  const claim =
    main.kind === "claim"
      ? `claim ${main.epoch}${main.otherEpoch === null ? "" : ` in place of ${main.otherEpoch}`}`
      : `${main.outcome === "rolled-back" ? "kept" : "gave up"} claim ${main.epoch}`;
  const second = `${showWall(new Date(main.at))}.${main.at.slice(20, 23)}  rule ${story.rule}, ${claim}`;
  const top =
    lineWidth([head]) + lineWidth([count]) + 2 <= columns
      ? [[...padLine([head], columns - lineWidth([count])), count]]
      : [...wrapLine([head], columns)];
  const clients = [
    ...(story.neighbourMs === null
      ? []
      : [`first neighbour knew after ${showMs(story.neighbourMs)}`]),
    ...(story.packetMs === null ? [] : [`first packet came after ${showMs(story.packetMs)}`]),
  ].join(", ");
  const trouble = (main.rule === "silence" || main.rule === "lone") && main.kind === "claim";
  return [
    ...top,
    line(span(`  ${second}`, "dim")),
    [],
    ...phaseLines(story, glyphs, columns),
    [],
    ...rowLines(story, [main.node, other?.node ?? ""], glyphs, columns),
    [],
    ...labelled("clients", clients, columns),
    ...labelled("judge", trouble ? judgeText(main) : "", columns),
    ...labelled("probes", probeText(main), columns),
    ...labelled("clocks", clockText(pair), columns),
    ...options.missing.flatMap((text) => labelled("missing", text, columns)),
  ];
}

/** One line for each switch, the latest first. */
export function whyListLines(
  pairs: readonly PairTransition[],
  { glyphs, columns }: ViewOptions,
): Line[] {
  const rows: TableRow[] = pairs.map((pair, index) => {
    const story = tellStory(pair);
    const move =
      story.active === null
        ? `${pair.main.node} ${glyphs.arrow} passive`
        : story.from === null
          ? story.active
          : `${story.from} ${glyphs.arrow} ${story.active}`;
    return {
      cells: [
        line(`${index + 1}`),
        line(span(showWall(new Date(pair.atMs)), "dim")),
        line(span(move, "bold")),
        line(span(story.rule, headTone(story))),
        line(showMs(story.phases.totalMs)),
        line(story.because),
      ],
    };
  });
  return table(
    [
      { title: "", align: "right" },
      { title: "when" },
      { title: "active" },
      { title: "rule" },
      { title: "took", align: "right" },
      { title: "because", shrinksTo: 12 },
    ],
    rows,
    columns,
  );
}

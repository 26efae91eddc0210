// screen.ts — how the story looks on a terminal: headings, steps with times, a table of figures.
import { monotonicMs } from "../ticker.js";

const CODES = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33", cyan: "36" } as const;
export type Style = keyof typeof CODES;

const WIDTH = 96;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for.
const ESCAPES = /\u001b\[[0-9;]*m/g;

/** Columns a text takes on the terminal. */
const columns = (text: string): number => [...text.replace(ESCAPES, "")].length;
const padEnd = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - columns(text)));
const padStart = (text: string, width: number): string =>
  " ".repeat(Math.max(0, width - columns(text))) + text;

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

export interface Screen {
  readonly colour: boolean;
  /** Wall time at which the story began, for what others dated. */
  readonly startedAt: Date;
  paint(style: Style, text: string): string;
  line(text?: string): void;
  heading(text: string): void;
  /** Ordinary prose under a heading. */
  prose(text: string): void;
  /** Something that happens now; carries the time since the story began. */
  step(text: string): void;
  /** What somebody else reported, with the time it carries. */
  report(at: Date, text: string): void;
  /** A promise that was kept or broken. */
  verdict(kept: boolean, text: string): void;
  /** What a command printed, behind a bar. */
  quote(text: string): void;
  table(head: readonly Column[], rows: readonly (readonly string[])[]): void;
}

export function createScreen(options: {
  readonly colour: boolean;
  readonly write: (text: string) => void;
}): Screen {
  const started = monotonicMs();
  const startedAt = new Date();
  const paint: Screen["paint"] = (style, text) =>
    options.colour ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
  const line = (text = "") => options.write(`${text}\n`);
  const time = (sinceMs: number): string =>
    paint("dim", padStart(`${(sinceMs / 1000).toFixed(1)} s`, 9));
  return {
    colour: options.colour,
    startedAt,
    paint,
    line,
    heading(text) {
      line();
      const rule = "─".repeat(Math.max(3, WIDTH - columns(text) - 5));
      line(paint("bold", paint("cyan", `── ${text} ${rule}`)));
    },
    prose: (text) => line(`  ${text}`),
    step: (text) => line(`${time(monotonicMs() - started)}  ${text}`),
    report: (at, text) =>
      line(`${time(at.getTime() - startedAt.getTime())}  ${paint("dim", text)}`),
    verdict(kept, text) {
      line(`${" ".repeat(11)}${kept ? paint("green", "✓") : paint("red", "✗")} ${text}`);
    },
    quote(text) {
      for (const row of text.trimEnd().split("\n")) line(`    ${paint("dim", "│")} ${row}`);
    },
    table(head, rows) {
      const widths = head.map((column, i) =>
        Math.max(columns(column.title), ...rows.map((row) => columns(row[i] ?? ""))),
      );
      const draw = (cells: readonly string[]): string =>
        cells
          .map((cell, i) => (head[i]?.align === "right" ? padStart : padEnd)(cell, widths[i] ?? 0))
          .join("   ")
          .trimEnd();
      line(`  ${paint("dim", draw(head.map((column) => column.title)))}`);
      for (const row of rows) line(`  ${draw(row)}`);
    },
  };
}

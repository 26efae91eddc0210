// paint.ts — whether a terminal gets colour, and the codes that make it.
import { type Line, plainText, type Tone } from "./text.js";

const CODES: Readonly<Record<Exclude<Tone, "plain">, string>> = {
  bold: "1",
  dim: "2",
  green: "32",
  yellow: "33",
  red: "31;1",
  blue: "34;1",
  grey: "90",
};

const paintSpan = (text: string, tone: Tone): string =>
  tone === "plain" || text === "" ? text : `\u001b[${CODES[tone]}m${text}\u001b[0m`;

/** Lines as text for a terminal, without a final newline. */
export function paint(lines: readonly Line[], colour: boolean): string {
  if (!colour) return plainText(lines);
  return lines
    .map((line) => line.map((part) => paintSpan(part.text, part.tone)).join(""))
    .join("\n");
}

/**
 * Colour only for people: on a terminal, unless NO_COLOR is set to anything (no-color.org) or the
 * terminal is dumb; FORCE_COLOR and an explicit choice win.
 */
export function wantsColour(options: {
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly asked?: boolean | undefined;
}): boolean {
  const { env, asked } = options;
  if (asked !== undefined) return asked;
  if ((env.NO_COLOR ?? "") !== "") return false;
  if ((env.FORCE_COLOR ?? "") !== "" && env.FORCE_COLOR !== "0") return true;
  return options.isTerminal && env.TERM !== "dumb";
}

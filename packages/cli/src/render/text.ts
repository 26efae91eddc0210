// text.ts — styled text as data: what a line says and how it should look, before any terminal.

/** What a piece of text means to the eye; the terminal's codes are paint.ts's matter. */
export type Tone = "plain" | "bold" | "dim" | "green" | "yellow" | "red" | "blue" | "grey";

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}
export type Line = readonly Span[];

// What scripts, peers and files say must never steer the terminal: C0, DEL, C1 and the
// characters that turn text around are shown as a middle dot.
const STEERING = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

export const harmless = (text: string): string => text.replaceAll(STEERING, "·");

export const span = (text: string, tone: Tone = "plain"): Span => ({ text: harmless(text), tone });
export const line = (...parts: readonly (Span | string)[]): Line =>
  parts.map((part) => (typeof part === "string" ? span(part) : part));
export const EMPTY_LINE: Line = [];

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u;
const NO_WIDTH = /\p{Mn}|\u200b|\u200d|\ufe0f/u;

const characterWidth = (character: string): number =>
  NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;

/** Columns a text takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

export const lineWidth = (of: Line): number =>
  of.reduce((sum, part) => sum + textWidth(part.text), 0);

/** The text cut to `width` columns, with an ellipsis where something is missing. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const character of text) {
    const next = characterWidth(character);
    if (used + next > width - 1) break;
    kept += character;
    used += next;
  }
  return width <= 0 ? "" : `${kept}…`;
}

/** The line cut to `width` columns, tones kept. */
export function cutLine(of: Line, width: number): Line {
  if (lineWidth(of) <= width) return of;
  const parts: Span[] = [];
  let left = width;
  for (const part of of) {
    const size = textWidth(part.text);
    if (size > left || (size === left && parts.length < of.length - 1)) {
      parts.push({ ...part, text: cutText(`${part.text} `, left) });
      break;
    }
    parts.push(part);
    left -= size;
  }
  return parts;
}

/** The line filled with blanks to `width` columns; longer lines stay as they are. */
export function padLine(of: Line, width: number, align: "left" | "right" = "left"): Line {
  const missing = width - lineWidth(of);
  if (missing <= 0) return of;
  const blanks = span(" ".repeat(missing));
  return align === "left" ? [...of, blanks] : [blanks, ...of];
}

/** Words broken over several lines of at most `width` columns; a longer word is broken hard. */
export function wrapLine(of: Line, width: number): Line[] {
  const lines: Span[][] = [[]];
  let used = 0;
  const put = (text: string, tone: Tone): void => {
    lines.at(-1)?.push({ text, tone });
    used += textWidth(text);
  };
  const next = (): void => {
    lines.push([]);
    used = 0;
  };
  for (const part of of) {
    for (const word of part.text.split(/(?<=[ ,])/)) {
      let rest = word;
      if (used > 0 && used + textWidth(rest.trimEnd()) > width) next();
      while (textWidth(rest.trimEnd()) > width) {
        const head = [...rest].slice(0, width).join("");
        put(head, part.tone);
        next();
        rest = [...rest].slice(width).join("");
      }
      if (!(used === 0 && lines.length > 1 && rest.trim() === "")) put(rest, part.tone);
    }
  }
  return lines.map(trimLineEnd);
}

function trimLineEnd(of: readonly Span[]): Line {
  const kept = [...of];
  while (kept.length > 0) {
    const last = kept.at(-1);
    if (last === undefined) break;
    const text = last.text.trimEnd();
    kept.pop();
    if (text !== "") {
      kept.push({ ...last, text });
      break;
    }
  }
  return kept;
}

export const plainText = (lines: readonly Line[]): string =>
  lines
    .map((of) =>
      trimLineEnd(of)
        .map((part) => part.text)
        .join(""),
    )
    .join("\n");

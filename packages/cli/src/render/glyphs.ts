// glyphs.ts — the few signs the views use, and their forms for terminals without Unicode.

export interface Glyphs {
  readonly on: string;
  readonly off: string;
  readonly some: string;
  readonly bad: string;
  readonly held: string;
  readonly arrow: string;
  readonly why: string;
  readonly rule: string;
  readonly dot: string;
  readonly add: string;
  readonly remove: string;
  readonly change: string;
  /** Bars: a whole column, then its parts from an eighth to seven eighths. */
  readonly bar: string;
  readonly minus: string;
}

export const UNICODE_GLYPHS: Glyphs = {
  on: "●",
  off: "○",
  some: "◐",
  bad: "✖",
  held: "■",
  arrow: "→",
  why: "└",
  rule: "─",
  dot: "·",
  add: "+",
  remove: "-",
  change: "~",
  bar: "█▏▎▍▌▋▊▉",
  minus: "−",
};

export const ASCII_GLYPHS: Glyphs = {
  on: "*",
  off: "o",
  some: "%",
  bad: "x",
  held: "#",
  arrow: "->",
  why: "\\",
  rule: "-",
  dot: "-",
  add: "+",
  remove: "-",
  change: "~",
  bar: "=..---==",
  minus: "-",
};

/** Unicode unless the locale says that it is something else; an unset locale says nothing. */
export function glyphsFor(env: Readonly<Record<string, string | undefined>>): Glyphs {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => (value ?? "") !== "");
  return locale === undefined || /utf-?8/i.test(locale) ? UNICODE_GLYPHS : ASCII_GLYPHS;
}

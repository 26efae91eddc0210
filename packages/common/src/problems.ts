// problems.ts — what is wrong with an input, said so that a person can mend it.

/**
 * One thing wrong with an input. `code` is stable and documented in docs/problems.md; `path` is
 * the dotted place inside the input; `line` is counted from 1 where the input is a file.
 */
export interface Problem {
  readonly code: ProblemCode;
  readonly path: string;
  readonly want: string;
  readonly got: string;
  readonly file?: string;
  readonly line?: number;
  readonly severity?: "error" | "warning";
}

/** Every code a person can meet; the list in docs/problems.md is checked against it. */
export const PROBLEM_CODES = [
  "file-missing",
  "file-empty",
  "file-too-large",
  "not-text",
  "yaml-syntax",
  "yaml-alias",
  "too-many-problems",
  "unknown-key",
  "missing-key",
  "wrong-value",
  "duplicate",
  "overlap",
  "contradiction",
  "timing",
  "address-local",
  "no-interface",
  "virtual-mac",
  "script-missing",
  "script-not-executable",
  "secret-missing",
  "foreign-rule",
  "peer-refused",
  "peer-unreachable",
  "not-permitted",
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `services.yaml:12: virtualServices[0].ports[1]: want a port, 1-65535, got 70000` */
export function formatProblem(problem: Problem): string {
  const where = [problem.file, problem.line].filter((part) => part !== undefined).join(":");
  const place = problem.path === "" ? "" : `${problem.path}: `;
  const prefix = where === "" ? "" : `${where}: `;
  return `${prefix}${place}want ${problem.want}, got ${problem.got}`;
}

const GOT_CHARACTERS_MAX = 80;

const escapeOf = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Text on one line: what steers terminals, breaks lines or turns text around is shown as `\\u001b`. */
export const escapeText = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, escapeOf);

/** A value as it is shown behind "got": one line, bounded, control characters escaped. */
export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = escapeText(JSON.stringify(value) ?? String(value));
  return text.length <= GOT_CHARACTERS_MAX ? text : `${text.slice(0, GOT_CHARACTERS_MAX)}…`;
}

/** An input was refused; carries every problem found, never only the first. */
export class ProblemsError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "ProblemsError";
    this.problems = problems;
  }
}

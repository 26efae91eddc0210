// context.ts — what a verb has in its hands: paths, daemons, and a place to print on.
import type { AppliancePaths, Clock, Problem, Run } from "@lbpair/common";
import type { Daemons } from "./daemons.js";
import type { Glyphs } from "./render/glyphs.js";
import { paint } from "./render/paint.js";
import { type Line, line, span } from "./render/text.js";
import { problemLines } from "./view/problem-lines.js";

/** The process as the commands see it; tests give another one. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly run: Run;
  readonly clock: Clock;
  /** Aborts when the user wants to leave (Ctrl-C). */
  readonly signal: AbortSignal;
}

export interface Output {
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

export interface Context {
  readonly world: World;
  readonly paths: AppliancePaths;
  readonly daemons: Daemons;
  readonly glyphs: Glyphs;
  readonly colour: boolean;
  print(lines: readonly Line[]): void;
  printJson(value: unknown): void;
}

/** Exit codes of every verb. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A verb could not do what was asked: a message for the user, no stack. */
export class VerbError extends Error {
  readonly problems: readonly Problem[];
  readonly exitCode: ExitCode;
  constructor(
    message: string,
    problems: readonly Problem[] = [],
    exitCode: ExitCode = EXIT.failed,
  ) {
    super(message);
    this.name = "VerbError";
    this.problems = problems;
    this.exitCode = exitCode;
  }
}

/** The error's message and problems on standard error. */
export function printFailure(
  world: World,
  options: { readonly glyphs: Glyphs; readonly colour: boolean },
  message: string,
  problems: readonly Problem[],
): void {
  const lines = [line(span("lbpair: ", "red"), message), ...problemLines(problems, options.glyphs)];
  world.stderr.write(`${paint(lines, options.colour)}\n`);
}

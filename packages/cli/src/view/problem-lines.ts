// problem-lines.ts — problems as a person mends them: where, what was wanted, what came.
import type { Problem } from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { type Line, line, type Span, span } from "../render/text.js";

const severityOf = (problem: Problem): "error" | "warning" => problem.severity ?? "error";

export const countSeverity = (
  problems: readonly Problem[],
  severity: "error" | "warning",
): number => problems.filter((problem) => severityOf(problem) === severity).length;

function place(problem: Problem): Span[] {
  const where = [problem.file, problem.line].filter((part) => part !== undefined).join(":");
  return [
    ...(where === "" ? [] : [span(`${where}: `, "bold")]),
    ...(problem.path === "" ? [] : [span(`${problem.path}: `)]),
  ];
}

/** One line each, in the order given: `services.yaml:12: path: want …, got …`. */
export function problemLines(problems: readonly Problem[], glyphs: Glyphs): Line[] {
  return problems.map((problem) => {
    const warning = severityOf(problem) === "warning";
    return line(
      span(warning ? `${glyphs.some} ` : `${glyphs.bad} `, warning ? "yellow" : "red"),
      ...place(problem),
      "want ",
      span(problem.want, "green"),
      ", got ",
      span(problem.got, warning ? "yellow" : "red"),
      span(`  [${problem.code}]`, "dim"),
    );
  });
}

/** "10 problems, 2 warnings"; empty where there is neither. */
export function countProblems(problems: readonly Problem[]): string {
  const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;
  const errors = countSeverity(problems, "error");
  const warnings = countSeverity(problems, "warning");
  return [
    ...(errors > 0 ? [plural(errors, "problem")] : []),
    ...(warnings > 0 ? [plural(warnings, "warning")] : []),
  ].join(", ");
}

// trial-lines.ts — a check that was run once, as a person reads it.
import type { CheckTrial } from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { type Line, line, span } from "../render/text.js";

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

const portLines = ({ ports }: CheckTrial, glyphs: Glyphs): Line[] =>
  ports.map(({ port, accepts, what, tookMs }) =>
    line(
      span(`    ${accepts ? glyphs.on : glyphs.bad} `, accepts ? "green" : "red"),
      `${port}`.padEnd(6),
      `${what ?? "accepts"}, ${tookMs} ms`,
    ),
  );

function traceLines({ trace }: CheckTrial): Line[] {
  if (trace === null) return [];
  const environment = Object.entries(trace.environment).map(([key, value]) =>
    line(span(`    ${key}=${quoted(value)}`, "dim")),
  );
  const output = trace.output.replace(/\n$/, "").split("\n");
  return [
    line(`  argv: ${trace.argv.map(quoted).join(" ")}`),
    line("  environment:"),
    ...environment,
    ...(trace.output === "" ? [line("  it printed nothing")] : [line("  it printed:")]),
    ...(trace.output === "" ? [] : output.map((text) => line(`    ${text}`))),
  ];
}

export function trialLines(trial: CheckTrial, glyphs: Glyphs): Line[] {
  const { id, type, passed, reason, tookMs } = trial;
  return [
    line(
      span(`${passed ? glyphs.on : glyphs.bad} `, passed ? "green" : "red"),
      span(id, "bold"),
      ` ${passed ? "passes" : "fails"} (${type}, ${tookMs} ms): ${reason}`,
    ),
    ...portLines(trial, glyphs),
    ...traceLines(trial),
  ];
}

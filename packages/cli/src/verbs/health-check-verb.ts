// health-check-verb.ts — `lbpair health-check run`: a check run once, with everything there is to see of it.
import type { CheckTrial } from "@lbpair/common";
import { type Context, EXIT, VerbError } from "../context.js";
import { type Line, line, span } from "../render/text.js";
import { realServerNames } from "../server-names.js";
import { choiceArgument } from "./choice.js";
import type { Register } from "./register.js";

/** Longer than any check's timeout, and the end of its processes. */
const CHECK_MS_MAX = 620_000;

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

function portLines({ ports }: CheckTrial, { glyphs }: Context): Line[] {
  return ports.map(({ port, accepts, what, tookMs }) =>
    line(
      span(`    ${accepts ? glyphs.on : glyphs.bad} `, accepts ? "green" : "red"),
      `${port}`.padEnd(6),
      `${what ?? "accepts"}, ${tookMs} ms`,
    ),
  );
}

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

function told(trial: CheckTrial, context: Context): Line[] {
  const { id, type, passed, reason, tookMs } = trial;
  const { glyphs } = context;
  return [
    line(
      span(`${passed ? glyphs.on : glyphs.bad} `, passed ? "green" : "red"),
      span(id, "bold"),
      ` ${passed ? "passes" : "fails"} (${type}, ${tookMs} ms): ${reason}`,
    ),
    ...portLines(trial, context),
    ...traceLines(trial),
  ];
}

/** Every server of a service, or one of them. */
async function run(context: Context, name: string): Promise<readonly CheckTrial[]> {
  const known = await realServerNames(context.daemons, context.paths);
  if (known !== null && !known.some((id) => id === name || id.startsWith(`${name}/`))) {
    const all = known.length === 0 ? "there is none" : `there are ${known.slice(0, 12).join(", ")}`;
    throw new VerbError(`${name}: want SERVICE or SERVICE/SERVER; ${all}`);
  }
  const [service = "", server] = name.split("/");
  const order = { service, ...(server === undefined ? {} : { server }) };
  const answer = await context.daemons.ask("forwarder", "POST /health-check", order, CHECK_MS_MAX);
  return answer as readonly CheckTrial[];
}

export const registerHealthCheck: Register = (program, act) => {
  program
    .command("health-check")
    .description("run the check of a server once, and show all there is to see of it")
    .addArgument(choiceArgument("<order>", "run", ["run"]))
    .argument("<name>", "SERVICE or SERVICE/SERVER, e.g. VNA or VNA/PrimaryCluster")
    .option("--json", "for programs")
    .addHelpText(
      "after",
      `
Run by the forwarder of this node, as its timetable would run it: result, reason, milliseconds, each
port for itself, and of a script its arguments, environment and output. Nothing of it is counted.
Exit code 1 where a check fails.

Examples:
  lbpair health-check run VNA
  lbpair health-check run VNA/PrimaryCluster --json`,
    )
    .action((_order: string, name: string, options: { json?: boolean }) =>
      act(async (context) => {
        const trials = await run(context, name);
        if (options.json === true) context.printJson(trials);
        else context.print(trials.flatMap((trial) => told(trial, context)));
        return trials.every(({ passed }) => passed) ? EXIT.done : EXIT.failed;
      }, options),
    );
};

// program.ts — the command line: verbs, global options, exit codes, and how failures are told.
import { readFileSync } from "node:fs";
import { ProblemsError, pathsFrom, RefusalError } from "@lbpair/common";
import { Command, CommanderError } from "commander";
import {
  type Context,
  EXIT,
  type ExitCode,
  printFailure,
  VerbError,
  type World,
} from "./context.js";
import { createDaemons, DaemonAwayError } from "./daemons.js";
import { glyphsFor } from "./render/glyphs.js";
import { paint, wantsColour } from "./render/paint.js";
import { registerCheck } from "./verbs/check-verb.js";
import { registerClearFlaps } from "./verbs/clear-flaps-verb.js";
import { registerComplete, registerCompletion } from "./verbs/completion-verb.js";
import { registerConnections } from "./verbs/connections-verb.js";
import { registerEvents } from "./verbs/events-verb.js";
import { registerFields } from "./verbs/fields-verb.js";
import { registerHealthCheck } from "./verbs/health-check-verb.js";
import { registerMakeActive } from "./verbs/make-active-verb.js";
import { registerModes } from "./verbs/mode-verbs.js";
import type { Act } from "./verbs/register.js";
import { registerRelease } from "./verbs/release-verb.js";
import { registerApply, registerPlan, registerSync } from "./verbs/replication-verbs.js";
import { registerRestart } from "./verbs/restart-verb.js";
import { registerStatus } from "./verbs/status-verb.js";
import { registerWhy } from "./verbs/why-verb.js";

/** Version of the package, as package.json has it. */
export function cliVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

interface GlobalOptions {
  readonly etc?: string;
  readonly state?: string;
  readonly run?: string;
  /** true unless --no-color was given. */
  readonly color: boolean;
}

function createContext(world: World, options: GlobalOptions): Context {
  const argv = (["etc", "state", "run"] as const).flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
  const { paths } = pathsFrom(argv, world.env);
  const asked = options.color ? undefined : false;
  const colour = wantsColour({ isTerminal: world.stdout.isTerminal, env: world.env, asked });
  return {
    world,
    paths,
    daemons: createDaemons(paths),
    glyphs: glyphsFor(world.env),
    colour,
    print: (lines) => world.stdout.write(`${paint(lines, colour)}\n`),
    printJson: (value) => world.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
  };
}

/** Tells a failure on standard error, or as JSON where a program asked. */
function tellFailure(world: World, context: Context, error: unknown, json: boolean): ExitCode {
  const problems =
    error instanceof RefusalError || error instanceof VerbError || error instanceof ProblemsError
      ? error.problems
      : [];
  const message =
    error instanceof ProblemsError
      ? "the input was refused"
      : error instanceof Error
        ? error.message
        : String(error);
  if (json) context.printJson({ error: message, problems });
  else {
    const colour = wantsColour({
      isTerminal: world.stderr.isTerminal,
      env: world.env,
      asked: context.colour ? undefined : false,
    });
    printFailure(world, { glyphs: context.glyphs, colour }, message, problems);
  }
  return error instanceof VerbError ? error.exitCode : EXIT.failed;
}

const isExpected = (error: unknown): boolean =>
  error instanceof RefusalError ||
  error instanceof DaemonAwayError ||
  error instanceof VerbError ||
  error instanceof ProblemsError;

/** The program with all its verbs; `onExit` receives the exit code of the verb that ran. */
export function createProgram(world: World, onExit: (code: ExitCode) => void): Command {
  const program = new Command("lbpair");
  program
    .description("Two Linux machines become one load balancer that does not go away.")
    .version(`lbpair ${cliVersion()}`, "-V, --version")
    .option("--etc <folder>", "configuration (LBPAIR_ETC; /etc/lbpair)")
    .option("--state <folder>", "what the daemons remember (LBPAIR_STATE; /var/lib/lbpair)")
    .option("--run <folder>", "control sockets (LBPAIR_RUN; /run/lbpair)")
    .option("--no-color", "no colours; NO_COLOR does the same")
    .exitOverride()
    .showHelpAfterError("(--help shows what there is)")
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(text),
      getOutHelpWidth: () => Math.min(100, world.stdout.columns),
      getErrHelpWidth: () => Math.min(100, world.stderr.columns),
    })
    .addHelpText(
      "after",
      `
Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

Examples:
  lbpair status --watch
  lbpair check && lbpair plan && lbpair apply
  lbpair halt VNA/PrimaryCluster
  lbpair make-active`,
    );
  const act: Act = async (work, options = {}) => {
    const context = createContext(world, program.opts<GlobalOptions>());
    try {
      onExit(await work(context));
    } catch (error) {
      if (!isExpected(error) && world.env.LBPAIR_DEBUG !== undefined) throw error;
      onExit(tellFailure(world, context, error, options.json === true));
    }
  };
  for (const register of [
    registerStatus,
    registerCheck,
    registerPlan,
    registerApply,
    registerModes,
    registerRelease,
    registerConnections,
    registerHealthCheck,
    registerMakeActive,
    registerClearFlaps,
    registerSync,
    registerEvents,
    registerWhy,
    registerRestart,
    registerCompletion,
    registerComplete,
    registerFields,
  ]) {
    register(program, act);
  }
  return program;
}

/** Runs one command line, without the program's own name, and answers its exit code. */
export async function runCli(argv: readonly string[], world: World): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const program = createProgram(world, (given) => {
    code = given;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

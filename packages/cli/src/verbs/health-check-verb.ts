// health-check-verb.ts — `lbpair health-check`: a check run once, judged otherwise, or begun from a template.
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type CheckTrial,
  checkTemplates,
  didYouMean,
  parseDuration,
  type WhatIfAnswer,
} from "@lbpair/common";
import { type Context, EXIT, type ExitCode, VerbError } from "../context.js";
import { line, span } from "../render/text.js";
import { realServerNames } from "../server-names.js";
import { trialLines } from "../view/trial-lines.js";
import { whatIfLines } from "../view/what-if-lines.js";
import { choiceArgument } from "./choice.js";
import type { Register } from "./register.js";

/** Longer than any check's timeout, and the end of its processes. */
const CHECK_MS_MAX = 620_000;
const ORDERS = ["run", "what-if", "templates", "new"] as const;
type Order = (typeof ORDERS)[number];

interface Options {
  readonly on?: "peer";
  readonly template?: string;
  readonly interval?: string;
  readonly failingInterval?: string;
  readonly failures?: string;
  readonly successes?: string;
  readonly json?: boolean;
}

const wrongUsage = (message: string): VerbError => new VerbError(message, [], EXIT.usage);

/** Every server of a service, or one of them; the forwarder knows fallback servers with a check, too. */
async function checkedName(context: Context, name: string): Promise<object> {
  const known = await realServerNames(context.daemons, context.paths);
  const [service = "", server] = name.split("/");
  const there = known?.some((id) => id.startsWith(`${service}/`)) ?? true;
  if (!there) {
    const all =
      known?.length === 0 ? "there is none" : `there are ${known?.slice(0, 12).join(", ")}`;
    throw new VerbError(`${name}: want SERVICE or SERVICE/SERVER; ${all}`);
  }
  return { service, ...(server === undefined ? {} : { server }) };
}

const ask = (context: Context, route: string, order: object, on: Options["on"]) =>
  on === "peer"
    ? context.daemons.ask("replicator", `POST /peer/${route}`, order, CHECK_MS_MAX)
    : context.daemons.ask("forwarder", `POST /${route}`, order, CHECK_MS_MAX);

async function run(context: Context, name: string, options: Options): Promise<ExitCode> {
  const order = await checkedName(context, name);
  const trials = (await ask(context, "health-check", order, options.on)) as readonly CheckTrial[];
  if (options.json === true) context.printJson(trials);
  else context.print(trials.flatMap((trial) => trialLines(trial, context.glyphs)));
  return trials.every(({ passed }) => passed) ? EXIT.done : EXIT.failed;
}

function milliseconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = parseDuration(text);
  if (value === undefined) throw wrongUsage(`--${option}: want a duration like 5s, got ${text}`);
  return value;
}

function times(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw wrongUsage(`--${option}: want a whole number, got ${text}`);
}

async function whatIf(context: Context, name: string, options: Options): Promise<ExitCode> {
  const asked = {
    interval: milliseconds("interval", options.interval),
    failingInterval: milliseconds("failing-interval", options.failingInterval),
    failures: times("failures", options.failures),
    successes: times("successes", options.successes),
  };
  const order = { ...(await checkedName(context, name)), ...asked };
  const answers = (await ask(context, "what-if", order, options.on)) as readonly WhatIfAnswer[];
  if (options.json === true) context.printJson(answers);
  else {
    const { glyphs, world } = context;
    const view = { glyphs, columns: world.stdout.columns, now: world.clock.wall().getTime() };
    context.print(whatIfLines(answers, view));
  }
  return EXIT.done;
}

async function templates(context: Context, options: Options): Promise<ExitCode> {
  const all = await checkTemplates();
  if (options.json === true) context.printJson(all.map(({ name, what }) => ({ name, what })));
  else {
    const width = Math.max(...all.map(({ name }) => name.length));
    context.print(all.map(({ name, what }) => line(span(name.padEnd(width + 2), "bold"), what)));
  }
  return EXIT.done;
}

/** The file is a candidate like any other: nothing runs it before it is applied. */
async function create(context: Context, name: string, options: Options): Promise<ExitCode> {
  const all = await checkTemplates();
  const wanted = options.template ?? "blank";
  const template = all.find((one) => one.name === wanted);
  if (template === undefined) {
    const names = all.map((one) => one.name);
    const meant = didYouMean(wanted, names);
    const guess = meant === undefined ? `one of ${names.join(", ")}` : `did you mean ${meant}?`;
    throw new VerbError(`--template ${wanted}: there is none of that name; ${guess}`);
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw wrongUsage(`${name}: want a name of letters, digits, '.', '_' and '-'`);
  }
  const folder = context.paths.healthChecks;
  const file = join(folder, name);
  try {
    await writeFile(file, template.text, { mode: 0o755, flag: "wx" });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const there = code === "EEXIST" ? (await readdir(folder)).join(", ") : "";
    throw new VerbError(
      code === "EEXIST" ? `${file} is there already; there are ${there}` : message,
    );
  }
  if (options.json === true) context.printJson({ name, template: wanted, file });
  else {
    const { glyphs } = context;
    context.print([
      line(span(`${glyphs.on} `, "green"), span(file, "bold"), ` is made from ${wanted}`),
      line(
        span(`  edit it, name it in a check { type: external, script: ${name} }, then: `, "dim"),
        "lbpair apply",
      ),
    ]);
  }
  return EXIT.done;
}

function carryOut(context: Context, order: Order, name: string | undefined, options: Options) {
  if (order === "templates") return templates(context, options);
  if (name === undefined) {
    throw wrongUsage(
      `want lbpair health-check ${order} ${order === "new" ? "NAME" : "SERVICE[/SERVER]"}`,
    );
  }
  if (order === "new") return create(context, name, options);
  return order === "run" ? run(context, name, options) : whatIf(context, name, options);
}

export const registerHealthCheck: Register = (program, act) => {
  program
    .command("health-check")
    .description("run a check once, judge its last day by another rhythm, or begin a script")
    .addArgument(choiceArgument("<order>", ORDERS.join(", "), ORDERS))
    .argument("[name]", "run, what-if: SERVICE or SERVICE/SERVER; new: the script's name")
    .option("--on <node>", "run, what-if: peer = the other node's forwarder")
    .option("--interval <duration>", "what-if: checked so often instead, e.g. 5s")
    .option("--failing-interval <duration>", "what-if: the same while failing")
    .option("--failures <n>", "what-if: so many failures in a row make it unhealthy")
    .option("--successes <n>", "what-if: so many successes in a row make it healthy")
    .option("--template <name>", "new: the template it begins with (default: blank)")
    .option("--json", "for programs")
    .addHelpText(
      "after",
      `
run        as the timetable would run it: result, reason, milliseconds, each port for itself, and of a
           script its arguments, environment and output. Nothing of it is counted. Exit code 1 where a
           check fails.
what-if    each node records its results of the last 24 hours; they are judged by the check as it is,
           and by the numbers given: how often the server would have been unhealthy, when, how soon.
templates  the scripts that ship with lbpair, one line each
new        a script in health-checks/ of the saved configuration, made from a template

Examples:
  lbpair health-check run VNA
  lbpair health-check run VNA/PrimaryCluster --on peer
  lbpair health-check what-if VNA --interval 5s --failures 3
  lbpair health-check templates
  lbpair health-check new vna-ports --template ports-in-turn`,
    )
    .action((order: Order, name: string | undefined, options: Options) =>
      act(async (context) => {
        if (options.on !== undefined && options.on !== "peer") {
          throw wrongUsage(`--on: want peer, got ${String(options.on)}`);
        }
        return carryOut(context, order, name, options);
      }, options),
    );
};

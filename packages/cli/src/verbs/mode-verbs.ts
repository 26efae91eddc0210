// mode-verbs.ts — `lbpair halt`, `drain`, `online`: the operator's mode of real servers, with who, why and until when.
import {
  describeDuration,
  type ForwarderStatus,
  type ModeAnswer,
  type ModeChangeAnswer,
  parseMoment,
  type ServerMode,
} from "@lbpair/common";
import type { Command } from "commander";
import { type Context, EXIT, VerbError } from "../context.js";
import { findTargets } from "../mode-targets.js";
import { FOR_WANT, parseLength, parseUntil, UNTIL_WANT } from "../mode-times.js";
import { type Line, line, span } from "../render/text.js";
import { realServers } from "../server-names.js";
import { orderedBy } from "../who.js";
import { peerLine } from "./answer.js";
import { effectLines, look, lookAfter } from "./mode-effect.js";
import type { Register } from "./register.js";

const ORDER_TIMEOUT_MS = 30_000;
/** Servers told one by one; more are counted. */
const SERVERS_TOLD_MAX = 20;

const VERBS: readonly {
  readonly mode: ServerMode;
  readonly description: string;
  readonly note: string;
  readonly examples: readonly string[];
}[] = [
  {
    mode: "halt",
    description: "nothing new goes to the server, and its open connections are cut at once",
    note: `Clients reconnect to another server, or to the fallback server where none is left. With --for or
--until it ends by itself, on both nodes.`,
    examples: [
      "halt VNA/PrimaryCluster",
      'halt VNA/PrimaryCluster --for 2h --reason "new firmware"',
      "halt VNA --until 06:00",
      "halt 192.168.100.111 --all-services",
    ],
  },
  {
    mode: "drain",
    description: "nothing new goes to the server; its open connections finish",
    note: `Status shows how many are still open. With --then-halt the server is halted once none is, with
--within at the latest after that time; with --for or --until it is online again by itself.`,
    examples: [
      "drain PACS-Web/web1 PACS-Web/web2",
      'drain VNA/PrimaryCluster --then-halt --within 2h --until 06:00 --reason "new disks"',
    ],
  },
  {
    mode: "online",
    description: "the server takes part again",
    note: "It gets new connections as soon as its checks find it healthy.",
    examples: ["online VNA/PrimaryCluster", "online web1 --all-services"],
  },
];

interface ModeOptions {
  readonly by?: string;
  readonly reason?: string;
  readonly for?: string;
  readonly until?: string;
  readonly thenHalt?: boolean;
  readonly within?: string;
  readonly allServices?: boolean;
  readonly json?: boolean;
}

const mustBe = <T>(value: T | undefined, option: string, want: string, got: string): T => {
  if (value === undefined)
    throw new VerbError(`--${option}: want ${want}, got ${got}`, [], EXIT.usage);
  return value;
};

function orderOf(
  context: Context,
  mode: ServerMode,
  servers: readonly string[],
  options: ModeOptions,
): object {
  const { reason, until, within } = options;
  const length = options.for;
  if (length !== undefined && until !== undefined) {
    throw new VerbError("want --for or --until, not both", [], EXIT.usage);
  }
  const now = context.world.clock.wall().getTime();
  return {
    servers,
    mode,
    by: orderedBy(context, options.by),
    ...(reason === undefined ? {} : { reason }),
    ...(length === undefined
      ? {}
      : { forMs: mustBe(parseLength(length), "for", FOR_WANT, length) }),
    ...(until === undefined
      ? {}
      : { until: mustBe(parseUntil(until, now), "until", UNTIL_WANT, until) }),
    ...(options.thenHalt === true || within !== undefined ? { haltWhenEmpty: true } : {}),
    ...(within === undefined
      ? {}
      : { withinMs: mustBe(parseLength(within), "within", FOR_WANT, within) }),
  };
}

function changeLine(change: ModeChangeAnswer, context: Context): Line {
  const { service, server, was, mode, until } = change;
  const { glyphs, world } = context;
  const end = until === null ? undefined : parseMoment(until);
  const left = end === undefined ? 0 : end - world.clock.wall().getTime();
  return line(
    span(`${glyphs.on} `, "green"),
    span(`${service}/${server}`, "bold"),
    was === mode ? ` is ${mode}` : ` ${was} ${glyphs.arrow} ${mode}`,
    span(
      end === undefined ? "" : `, online again in ${describeDuration(Math.max(0, left))}`,
      "dim",
    ),
  );
}

async function setModes(
  context: Context,
  mode: ServerMode,
  names: readonly string[],
  options: ModeOptions,
): Promise<{ readonly answer: ModeAnswer; readonly lines: Line[] }> {
  const { daemons, paths, glyphs } = context;
  const known = await realServers(daemons, paths);
  const targets = findTargets(names, known, options.allServices === true);
  if (!targets.ok) throw new VerbError(targets.wrong.join("\n"));
  const order = orderOf(context, mode, targets.ids, options);
  const before: ForwarderStatus | null = await look(context);
  const answer = (await daemons.ask(
    "replicator",
    "POST /mode",
    order,
    ORDER_TIMEOUT_MS,
  )) as ModeAnswer;
  const after = await lookAfter(context, targets.ids, mode);
  const shown = answer.changes.slice(0, SERVERS_TOLD_MAX);
  const more = answer.changes.length - shown.length;
  return {
    answer,
    lines: [
      ...shown.map((change) => changeLine(change, context)),
      ...(more > 0 ? [line(span(`  and ${more} more servers`, "dim"))] : []),
      ...effectLines(targets.ids, mode, before, after),
      peerLine(answer.peer, glyphs),
    ],
  };
}

function addOptions(command: Command, mode: ServerMode): Command {
  command
    .option("--reason <text>", "why; kept with the mode and shown in status and events")
    .option("--by <name>", "who; the login user if left out");
  if (mode !== "online") {
    command
      .option("--for <duration>", "online again by itself after this time, e.g. 2h or 3d")
      .option("--until <time>", "the same at a time: 18:00, or 2026-12-01 06:00 (local time)");
  }
  if (mode === "drain") {
    command
      .option("--then-halt", "halt it once no connection is open")
      .option("--within <duration>", "halt it at the latest after this time; implies --then-halt");
  }
  return command
    .option("--all-services", "the machine in all its services; named by server, label or address")
    .option("--json", "for programs");
}

export const registerModes: Register = (program, act) => {
  for (const { mode, description, note, examples } of VERBS) {
    const command = program
      .command(mode)
      .description(description)
      .argument("<server...>", "SERVICE/SERVER, or SERVICE for all of its servers");
    addOptions(command, mode)
      .addHelpText(
        "after",
        `
${note} The mode is replicated and holds across a failover and a reboot.

Examples:
${examples.map((example) => `  lbpair ${example}`).join("\n")}`,
      )
      .action((names: string[], options: ModeOptions) =>
        act(async (context) => {
          const { answer, lines } = await setModes(context, mode, names, options);
          if (options.json === true) context.printJson(answer);
          else context.print(lines);
          return EXIT.done;
        }, options),
      );
  }
};

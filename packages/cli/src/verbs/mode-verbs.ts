// mode-verbs.ts — `lbpair halt`, `drain`, `online`: the operator's mode of real servers.
import type { ForwarderStatus, ServerMode, ServerStatus, ServiceStatus } from "@lbpair/common";
import { type Context, EXIT, VerbError } from "../context.js";
import { readStatus } from "../gather-pair.js";
import { pause } from "../pause.js";
import { type Line, line, span } from "../render/text.js";
import { judgeServerName, realServerNames } from "../server-names.js";
import { isRecord, peerLine, textOf } from "./answer.js";
import type { Register } from "./register.js";

const ORDER_TIMEOUT_MS = 30_000;
/** How long the effect is waited for, so that it can be told. */
const EFFECT_WAIT_MS = 2000;
const EFFECT_POLL_MS = 100;

const VERBS: readonly {
  readonly mode: ServerMode;
  readonly description: string;
  readonly note: string;
}[] = [
  {
    mode: "halt",
    description: "nothing new goes to the server, and its open connections are cut at once",
    note: "Clients reconnect to another server, or to the fallback server where none is left.",
  },
  {
    mode: "drain",
    description: "nothing new goes to the server; its open connections finish",
    note: "Status shows how many are still open.",
  },
  {
    mode: "online",
    description: "the server takes part again",
    note: "It gets new connections as soon as its checks find it healthy.",
  },
];

interface Seen {
  readonly service: ServiceStatus;
  readonly server: ServerStatus;
}

async function look(context: Context, id: string): Promise<Seen | null> {
  try {
    const heard = readStatus<ForwarderStatus>(
      "forwarder",
      await context.daemons.ask("forwarder", "GET /status", undefined, 2000),
    );
    if (!heard.ok) return null;
    for (const service of heard.status.services) {
      const server = service.servers.find((one) => one.id === id);
      if (server !== undefined) return { service, server };
    }
    return null;
  } catch {
    return null;
  }
}

/** The forwarder's view once it follows the mode; null where it does not within the wait. */
async function lookAfter(context: Context, id: string, mode: ServerMode): Promise<Seen | null> {
  const { clock, signal } = context.world;
  const until = clock.now() + EFFECT_WAIT_MS;
  for (;;) {
    const seen = await look(context, id);
    if (seen === null || seen.server.mode === mode) return seen;
    if (clock.now() >= until || signal.aborted) return null;
    await pause(EFFECT_POLL_MS, signal);
  }
}

function effectLine(before: Seen | null, after: Seen | null): Line[] {
  if (after === null) return [];
  const { service, server } = after;
  const open = before?.server.openConnections ?? 0;
  const parts: string[] = [];
  if (server.mode === "halt" && open > 0) parts.push(`${open} open connections are cut`);
  if (server.mode === "drain") parts.push(`${server.openConnections} open connections may finish`);
  const serving = service.servers.filter((one) => one.serving);
  const names = serving.map((one) =>
    one.role === "fallback" ? `the fallback server ${one.address}` : one.label,
  );
  parts.push(
    names.length === 0
      ? `no server answers for ${service.label} now`
      : `${service.label} is answered by ${names.join(", ")}`,
  );
  return [line(span(`  ${parts.join("; ")}`, names.length === 0 ? "red" : "plain"))];
}

async function setMode(
  context: Context,
  id: string,
  mode: ServerMode,
): Promise<{ readonly answer: unknown; readonly lines: Line[] }> {
  const before = await look(context, id);
  const slash = id.indexOf("/");
  const order = { service: id.slice(0, slash), server: id.slice(slash + 1), mode };
  const answer = await context.daemons.ask("replicator", "POST /mode", order, ORDER_TIMEOUT_MS);
  const after = await lookAfter(context, id, mode);
  const was = textOf(answer, "was") ?? before?.server.mode;
  const change =
    was === undefined || was === mode ? ` is ${mode}` : ` ${was} ${context.glyphs.arrow} ${mode}`;
  return {
    answer,
    lines: [
      line(span(`${context.glyphs.on} `, "green"), span(id, "bold"), change),
      ...effectLine(before, after),
      ...(isRecord(answer) && isRecord(answer.peer) ? [peerLine(answer.peer, context.glyphs)] : []),
    ],
  };
}

export const registerModes: Register = (program, act) => {
  for (const { mode, description, note } of VERBS) {
    program
      .command(mode)
      .description(description)
      .argument("<service/server...>", "one or more real servers, e.g. VNA/PrimaryCluster")
      .option("--json", "for programs")
      .addHelpText(
        "after",
        `
${note} The mode is replicated and holds across a failover and a reboot.

Examples:
  lbpair ${mode} VNA/PrimaryCluster
  lbpair ${mode} PACS-Web/web1 PACS-Web/web2`,
      )
      .action((ids: string[], options: { json?: boolean }) =>
        act(async (context) => {
          const known = await realServerNames(context.daemons, context.paths);
          const wrong = ids.flatMap((id) =>
            known === null
              ? id.includes("/")
                ? []
                : [`${id}: want SERVICE/SERVER`]
              : (judgeServerName(id, known) ?? []),
          );
          if (wrong.length > 0) throw new VerbError(wrong.join("\n"));
          const answers: unknown[] = [];
          for (const id of ids) {
            const { answer, lines } = await setMode(context, id, mode);
            answers.push(answer);
            if (options.json !== true) context.print(lines);
          }
          if (options.json === true) context.printJson(answers);
          return EXIT.done;
        }, options),
      );
  }
};

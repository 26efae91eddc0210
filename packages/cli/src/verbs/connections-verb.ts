// connections-verb.ts — `lbpair connections`: open connections listed, counted, cut.
import type { ConnectionsAnswer } from "@lbpair/common";
import { type Context, EXIT, type ExitCode, VerbError } from "../context.js";
import { showCount } from "../render/numbers.js";
import { line, span } from "../render/text.js";
import { connectionLines } from "../view/connection-lines.js";
import { choiceArgument } from "./choice.js";
import type { Register } from "./register.js";

/** A large table takes its time to list. */
const LIST_MS_MAX = 60_000;
const ORDERS = ["list", "count", "cut"] as const;
type Order = (typeof ORDERS)[number];

interface Options {
  readonly client?: string;
  readonly port?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

function whole(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new VerbError(`--${option}: want a whole number, got ${text}`, [], EXIT.usage);
}

async function carryOut(
  context: Context,
  order: Order,
  name: string | undefined,
  options: Options,
): Promise<ExitCode> {
  const { daemons, glyphs, world } = context;
  const [service, server] = name?.split("/") ?? [];
  const filter = {
    service,
    server,
    client: options.client,
    port: whole("port", options.port),
    limit: order === "count" ? 0 : whole("limit", options.limit),
  };
  if (order === "cut") {
    const answer = (await daemons.ask(
      "forwarder",
      "POST /connections/cut",
      filter,
      LIST_MS_MAX,
    )) as {
      readonly cut: number;
    };
    if (options.json === true) context.printJson(answer);
    else {
      context.print([
        line(span(`${glyphs.on} `, "green"), `${showCount(answer.cut)} connections are cut`),
      ]);
    }
    return EXIT.done;
  }
  const answer = await daemons.ask("forwarder", "POST /connections", filter, LIST_MS_MAX);
  if (options.json === true) context.printJson(answer);
  else context.print(connectionLines(answer as ConnectionsAnswer, glyphs, world.stdout.columns));
  return EXIT.done;
}

export const registerConnections: Register = (program, act) => {
  program
    .command("connections")
    .description("open connections of the active node: list, count or cut them")
    .addArgument(choiceArgument("<order>", ORDERS.join(", "), ORDERS))
    .argument("[name]", "SERVICE or SERVICE/SERVER; all where left out")
    .option("--client <address>", "only those of this client")
    .option("--port <n>", "only those to this port of the virtual service")
    .option("--limit <n>", "list: so many one by one (default: 50)")
    .option("--json", "for programs")
    .addHelpText(
      "after",
      `
count tells them by server and by client, list each besides. cut ends those that fit at both ends, as
halt does, and leaves the server in service: clients may connect again at once. It wants a name, a
client or a port. What was cut may stay listed for some minutes. Run it on the active node.

Examples:
  lbpair connections count
  lbpair connections list VNA --client 192.168.200.50
  lbpair connections cut VNA/PrimaryCluster
  lbpair connections cut --client 192.168.200.50`,
    )
    .action((order: Order, name: string | undefined, options: Options) =>
      act((context) => carryOut(context, order, name, options), options),
    );
};

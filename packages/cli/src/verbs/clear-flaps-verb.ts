// clear-flaps-verb.ts — `lbpair clear-flaps`: health may move the role again, on both nodes.
import { describeDuration, type HeartbeatStatus } from "@lbpair/common";
import { type Context, EXIT, VerbError } from "../context.js";
import { readStatus } from "../gather-pair.js";
import { type Line, line, span } from "../render/text.js";
import { isRecord } from "./answer.js";
import type { Register } from "./register.js";

/** The peer is asked over SSH. */
const PEER_MS_MAX = 10_000;

/** What one node forgot, or why it could not be asked. */
interface Cleared {
  readonly node: string;
  readonly moves: number;
  readonly heldForMs: number | null;
  readonly error: string | null;
}

const explain = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function cleared(node: string, answer: unknown): Cleared {
  const { moves, heldForMs } = isRecord(answer) ? answer : {};
  return {
    node,
    moves: typeof moves === "number" ? moves : 0,
    heldForMs: typeof heldForMs === "number" ? heldForMs : null,
    error: null,
  };
}

async function clearPeer(context: Context, node: string): Promise<Cleared> {
  try {
    const route = "POST /peer/clear-flaps";
    return cleared(node, await context.daemons.ask("replicator", route, {}, PEER_MS_MAX));
  } catch (error) {
    return { node, moves: 0, heldForMs: null, error: explain(error) };
  }
}

function told({ node, moves, heldForMs, error }: Cleared, { glyphs }: Context): Line {
  if (error !== null) {
    const hint = `run lbpair clear-flaps on ${node} too`;
    return line(
      span(`${glyphs.bad} ${node}: it could not be asked`, "red"),
      ` (${error}); ${hint}`,
    );
  }
  const counted = `${moves} move${moves === 1 ? "" : "s"} by health forgotten`;
  const was =
    heldForMs === null
      ? ""
      : `; it would have been held back for another ${describeDuration(heldForMs)}`;
  return line(span(`${glyphs.on} `, "green"), `${node}: ${counted}${was}`);
}

export const registerClearFlaps: Register = (program, act) => {
  program
    .command("clear-flaps")
    .description("let health move the role again, after it moved it too often")
    .option("--json", "for programs")
    .addHelpText(
      "after",
      `
Where health (a link, a ping node, auto-failback) has moved the role flapLimit times within
flapWindow, it moves it no more for flapHold. This ends that at once and forgets the moves, on both
nodes. Run it when the trouble has been mended; lbpair status shows what counts.

Examples:
  lbpair clear-flaps`,
    )
    .action((options: { json?: boolean }) =>
      act(async (context) => {
        const heard = readStatus<HeartbeatStatus>(
          "heartbeat",
          await context.daemons.ask("heartbeat", "GET /status"),
        );
        if (!heard.ok) throw new VerbError(heard.error);
        const { node, peer } = heard.status;
        const all = [
          cleared(node, await context.daemons.ask("heartbeat", "POST /clear-flaps", {})),
        ];
        if (peer !== null) all.push(await clearPeer(context, peer.name));
        if (options.json === true) context.printJson(all);
        else context.print(all.map((one) => told(one, context)));
        return all.every(({ error }) => error === null) ? EXIT.done : EXIT.failed;
      }, options),
    );
};

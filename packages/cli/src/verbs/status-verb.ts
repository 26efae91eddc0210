// status-verb.ts — `lbpair status`: one look, or a live one.
import type { Command } from "commander";
import { type Context, EXIT, type ExitCode } from "../context.js";
import { gatherMeasured, timingInForce } from "../gather-measured.js";
import { composePair, gatherHere, gatherPair, gatherPeer, readAppliance } from "../gather-pair.js";
import { pause } from "../pause.js";
import { showWall } from "../render/numbers.js";
import { paint } from "../render/paint.js";
import { cutLine, type Line, line, span } from "../render/text.js";
import type { SwitchTimes } from "../view/measured-switches.js";
import { judgePair } from "../view/pair-verdict.js";
import { type Heard, type NodeView, nodesInOrder, type PairView } from "../view/pair-view.js";
import { statusLines } from "../view/status-lines.js";
import type { Register } from "./register.js";

const REDRAW_MS = 1000;
/** Past switches are asked for less often. */
const REMEMBER_MS = 10_000;

const statusOrError = <T>(heard: Heard<T>): unknown =>
  heard.ok ? heard.status : { error: heard.error };

/** The pair as programs read it. */
export function pairJson(pair: PairView, at: Date, times: SwitchTimes | null): unknown {
  const node = (view: NodeView) => ({
    name: view.name,
    designation: view.designation,
    here: view.here,
    heartbeat: statusOrError(view.heartbeat),
    forwarder: statusOrError(view.forwarder),
    replicator: statusOrError(view.replicator),
  });
  const nodes = nodesInOrder(pair).map(node);
  const measured = times === null ? {} : Object.fromEntries(times.measured);
  const switching = { timing: times?.timing ?? [], measured };
  return { at: at.toISOString(), verdict: judgePair(pair), nodes, switching };
}

/** Refused where a daemon of this node is away: scripts have to notice. */
const exitCodeFor = (pair: PairView): ExitCode =>
  pair.here.heartbeat.ok && pair.here.forwarder.ok && pair.here.replicator.ok
    ? EXIT.done
    : EXIT.failed;

/** The context, and whether each port is asked for. */
type Shown = Context & { readonly ports: boolean };

const show = (pair: PairView, { glyphs, world, ports }: Shown, times: SwitchTimes | null): Line[] =>
  statusLines(pair, { glyphs, columns: world.stdout.columns, ports }, times);

/** Null where the configuration in force cannot be read. */
async function gatherTimes({ daemons, paths, world }: Context): Promise<SwitchTimes | null> {
  const [timing, measured] = await Promise.all([timingInForce(paths), gatherMeasured(daemons)]);
  return timing === null ? null : { timing, measured, nowMs: world.clock.wall().getTime() };
}

/** Redraws in place without flicker: every line clears its own rest. */
function draw(pair: PairView, context: Shown, times: SwitchTimes | null): void {
  const { stdout } = context.world;
  const lines = show(pair, context, times).map((one) => cutLine(one, stdout.columns));
  const room = stdout.rows - 1;
  const shown =
    lines.length <= room
      ? lines
      : [...lines.slice(0, room - 1), line(span(`${lines.length - room + 1} more lines`, "dim"))];
  const text = paint(shown, context.colour).replaceAll("\n", "\u001b[K\n");
  stdout.write(`\u001b[H${text}\u001b[K\n\u001b[J`);
}

async function watch(context: Shown, json: boolean): Promise<ExitCode> {
  const { daemons, paths, world } = context;
  const { signal, stdout } = world;
  const live = stdout.isTerminal && !json;
  const appliance = await readAppliance(paths);
  // The peer is asked in a loop of its own: one that hangs must not freeze the picture of this node.
  let peer: Awaited<ReturnType<typeof gatherPeer>> | null = null;
  const askOn = async (): Promise<void> => {
    while (!signal.aborted) {
      peer = await gatherPeer(daemons);
      await pause(REDRAW_MS, signal);
    }
  };
  void askOn();
  let times: SwitchTimes | null = null;
  const rememberOn = async (): Promise<void> => {
    while (!signal.aborted) {
      times = await gatherTimes(context);
      await pause(REMEMBER_MS, signal);
    }
  };
  void rememberOn();
  if (live) stdout.write("\u001b[?1049h\u001b[?25l");
  try {
    while (!signal.aborted) {
      const at = world.clock.wall();
      const pair = composePair(showWall(at), await gatherHere(daemons), peer, appliance);
      if (json) stdout.write(`${JSON.stringify(pairJson(pair, at, times))}\n`);
      else if (live) draw(pair, context, times);
      else context.print([...show(pair, context, times), []]);
      await pause(REDRAW_MS, signal);
    }
  } finally {
    if (live) stdout.write("\u001b[?25h\u001b[?1049l");
  }
  return EXIT.done;
}

export const registerStatus: Register = (program: Command, act) => {
  program
    .command("status")
    .description("both nodes side by side, every virtual service and real server, replication")
    .option("--json", "for programs; with --watch one line per look")
    .option("--ports", "each port of each server, also where all accept")
    .option("--watch", "look again every second until Ctrl-C")
    .addHelpText(
      "after",
      `
Exit code 1 where a daemon of this node does not answer; what can be seen is shown all the same.

Examples:
  lbpair status
  lbpair status --watch
  lbpair status --json | jq -r '.nodes[] | select(.heartbeat.condition == "active").name'`,
    )
    .action((options: { json?: boolean; watch?: boolean; ports?: boolean }) =>
      act(async (plain) => {
        const context: Shown = { ...plain, ports: options.ports === true };
        if (options.watch === true) return watch(context, options.json === true);
        const at = context.world.clock.wall();
        const [pair, times] = await Promise.all([
          gatherPair(context.daemons, context.paths, showWall(at)),
          gatherTimes(context),
        ]);
        if (options.json === true) context.printJson(pairJson(pair, at, times));
        else context.print(show(pair, context, times));
        return exitCodeFor(pair);
      }),
    );
};

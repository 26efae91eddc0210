// restart-verb.ts — `lbpair restart DAEMON`: asks the daemon to leave and waits until it is back.
import { type Daemon, describeDuration } from "@lbpair/common";
import { type Context, EXIT, VerbError } from "../context.js";
import { DAEMONS } from "../daemons.js";
import { pause } from "../pause.js";
import { line, span } from "../render/text.js";
import { isRecord } from "./answer.js";
import { choiceArgument } from "./choice.js";
import type { Register } from "./register.js";
import { restartHeartbeatVerb } from "./restart-heartbeat.js";

const BACK_WITHIN_MS = 15_000;
const POLL_MS = 100;

async function pidOf(context: Context, daemon: Daemon): Promise<number | null> {
  const status = await context.daemons.ask(daemon, "GET /status", undefined, 2000);
  return isRecord(status) && typeof status.pid === "number" ? status.pid : null;
}

async function waitUntilBack(
  context: Context,
  daemon: Daemon,
  before: number | null,
): Promise<number> {
  const { clock, signal } = context.world;
  const until = clock.now() + BACK_WITHIN_MS;
  while (clock.now() < until && !signal.aborted) {
    await pause(POLL_MS, signal);
    try {
      const pid = await pidOf(context, daemon);
      if (pid !== null && pid !== before) return pid;
    } catch {
      // It is between two lives; that is what is waited for.
    }
  }
  throw new VerbError(
    `the ${daemon} left and did not come back within ${describeDuration(BACK_WITHIN_MS)}; its supervisor should have started it: systemctl status lbpair-${daemon}`,
  );
}

export const registerRestart: Register = (program, act) => {
  program
    .command("restart")
    .description("restart one daemon; traffic flows on and no address moves")
    .addArgument(choiceArgument("<daemon>", "which one", DAEMONS))
    .option("--here", "restart heartbeat: this node's only")
    .option("--json", "for programs")
    .addHelpText(
      "after",
      `
The daemon ends itself and its supervisor (systemd, the container, the lab) starts it again.
On the primary, restart heartbeat restarts the secondary's as well: first that of the passive node,
then, once it is back, hears and could take over, that of the active one. A peer that is away is
left as it is; where the first does not come back the second is not touched. On the secondary it
restarts its own only.

Examples:
  lbpair restart forwarder
  lbpair restart heartbeat
  lbpair restart heartbeat --here`,
    )
    .action((daemon: Daemon, options: { here?: boolean; json?: boolean }) =>
      act(async (context) => {
        if (daemon === "heartbeat") return restartHeartbeatVerb(context, options);
        const { clock } = context.world;
        const before = await pidOf(context, daemon);
        const started = clock.now();
        await context.daemons.ask(daemon, "POST /restart", {});
        const pid = await waitUntilBack(context, daemon, before);
        const tookMs = clock.now() - started;
        if (options.json === true) context.printJson({ daemon, before, pid, tookMs });
        else {
          context.print([
            line(
              span(`${context.glyphs.on} `, "green"),
              `the ${daemon} is back after ${describeDuration(tookMs)}`,
              span(` (process ${before ?? "?"} ${context.glyphs.arrow} ${pid})`, "dim"),
            ),
          ]);
        }
        return EXIT.done;
      }, options),
    );
};

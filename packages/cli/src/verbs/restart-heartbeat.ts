// restart-heartbeat.ts — `lbpair restart heartbeat`: on the primary both nodes', elsewhere this one's.
import { describeDuration, type HeartbeatStatus } from "@lbpair/common";
import { type Context, EXIT, type ExitCode, VerbError } from "../context.js";
import { gatherPeer, readStatus } from "../gather-pair.js";
import { line, span } from "../render/text.js";
import {
  type HeartbeatSite,
  NotBackError,
  type Restarted,
  restartHeartbeats,
} from "../restart-heartbeats.js";

/** The peer is asked over SSH. */
const PEER_RESTART_MS_MAX = 10_000;

const explain = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function hereSite(context: Context, name: string): HeartbeatSite {
  const { daemons } = context;
  return {
    name,
    async look() {
      const answer = await daemons.ask("heartbeat", "GET /status", undefined, 2000);
      const heard = readStatus<HeartbeatStatus>("heartbeat", answer);
      if (!heard.ok) throw new Error(heard.error);
      return heard.status;
    },
    restart: () => daemons.ask("heartbeat", "POST /restart", {}),
  };
}

function peerSite(context: Context, name: string): HeartbeatSite {
  const { daemons } = context;
  return {
    name,
    async look() {
      const { heartbeat } = await gatherPeer(daemons);
      if (!heartbeat.ok) throw new Error(heartbeat.error);
      return heartbeat.status;
    },
    restart: () =>
      daemons.ask("replicator", "POST /peer/restart", { daemon: "heartbeat" }, PEER_RESTART_MS_MAX),
  };
}

/** Which node besides this one is restarted, or one sentence on why none is. */
async function peerToRestart(
  context: Context,
  own: HeartbeatStatus,
  here: boolean,
): Promise<{ readonly site: HeartbeatSite | null; readonly note: string }> {
  const { peer } = own;
  if (here || peer === null) return { site: null, note: "" };
  if (own.designation === "secondary") {
    const note = `only the heartbeat of ${own.node}, the secondary; on the primary this restarts both`;
    return { site: null, note };
  }
  const skipped = (why: string) => ({
    site: null,
    note: `the heartbeat of ${peer.name} is left as it is: ${why}`,
  });
  if (!peer.alive) return skipped("it is not heard");
  const site = peerSite(context, peer.name);
  try {
    const theirs = await site.look();
    return theirs.peer?.alive === true ? { site, note: "" } : skipped("it does not hear this node");
  } catch (error) {
    return skipped(explain(error));
  }
}

function tell(context: Context, restarted: Restarted): void {
  const { node, before, pid, tookMs, condition } = restarted;
  const { glyphs } = context;
  context.print([
    line(
      span(`${glyphs.on} `, "green"),
      `the heartbeat of ${node} is back after ${describeDuration(tookMs)}, ${condition}`,
      span(` (process ${before} ${glyphs.arrow} ${pid})`, "dim"),
    ),
  ]);
}

export async function restartHeartbeatVerb(
  context: Context,
  options: { readonly here?: boolean; readonly json?: boolean },
): Promise<ExitCode> {
  const own = await hereSite(context, "").look();
  const here = hereSite(context, own.node);
  const { site, note } = await peerToRestart(context, own, options.here === true);
  const notes = note === "" ? [] : [note];
  const say = (restarted: Restarted): void => {
    if (options.json !== true) tell(context, restarted);
  };
  const giveUp = (error: unknown): never => {
    const hint = "its supervisor should have started it: systemctl status lbpair-heartbeat";
    // One that refuses, e.g. while its disk hangs, runs on as it was.
    const refused = error instanceof NotBackError && !error.message.includes("is not back");
    if (refused) throw new VerbError(error.message);
    if (error instanceof NotBackError) throw new VerbError(`${error.message}; ${hint}`);
    throw error;
  };
  if (options.json !== true) {
    for (const text of notes) context.print([line(span(`${context.glyphs.off} ${text}`, "dim"))]);
  }
  const restarted = await restartHeartbeats(here, site, context.world, say).catch(giveUp);
  if (options.json === true) context.printJson({ daemon: "heartbeat", restarted, notes });
  return EXIT.done;
}

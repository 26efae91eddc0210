// restart-heartbeats.ts — both heartbeats started anew in an order that moves no address.
//
// The passive node's first: it holds nothing that could move. The active's only when the passive one
// is back, hears, is heard and could take over; so at every moment one node waits for the other.
import { type Clock, describeDuration, type HeartbeatStatus } from "@lbpair/common";
import { pause } from "./pause.js";

/** A heartbeat is back, heard and ready within this, or the other is not touched. */
export const RESTART_BACK_MS_MAX = 20_000;
const POLL_MS = 100;

/** The heartbeat of one node, as it can be reached from here. */
export interface HeartbeatSite {
  readonly name: string;
  /** Its own word; throws where nobody answers. */
  look(): Promise<HeartbeatStatus>;
  restart(): Promise<unknown>;
}

export interface Restarted {
  readonly node: string;
  readonly before: number;
  readonly pid: number;
  readonly tookMs: number;
  readonly condition: HeartbeatStatus["condition"];
}

/** The first did not come back as it should; what was not touched because of that is named. */
export class NotBackError extends Error {}

/** Why a heartbeat is not yet as it should be after a restart; undefined = it is. */
export function notWell(status: HeartbeatStatus, was: HeartbeatStatus): string | undefined {
  if (status.pid === was.pid) return "it has not left yet";
  if (status.phase === "starting") return "it still listens";
  if (!status.forwarderReady) return "its forwarder is not ready";
  if (was.peer?.alive !== true) return undefined;
  if (status.peer?.alive !== true) return "it does not hear the other node";
  const heard = status.paths.filter(({ state }) => state === "hearing").length;
  const before = was.paths.filter(({ state }) => state === "hearing").length;
  if (heard < before) return `it hears ${heard} of ${before} paths`;
  return undefined;
}

/** Whether the node that stayed hears the other again. */
const hears = (status: HeartbeatStatus): string | undefined =>
  status.peer?.alive === true && status.peer.ready === true
    ? undefined
    : `${status.node} does not hear that it is ready`;

const explain = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

async function restartOne(
  site: HeartbeatSite,
  stays: HeartbeatSite | null,
  clock: Clock,
  signal: AbortSignal,
): Promise<Restarted> {
  const was = await site.look();
  const started = clock.now();
  try {
    await site.restart();
  } catch (error) {
    throw new NotBackError(`the heartbeat of ${site.name} was not restarted: ${explain(error)}`);
  }
  let why = "";
  while (clock.now() - started < RESTART_BACK_MS_MAX && !signal.aborted) {
    await pause(POLL_MS, signal);
    try {
      const status = await site.look();
      why = notWell(status, was) ?? "";
      if (why === "" && stays !== null) why = hears(await stays.look()) ?? "";
      if (why !== "") continue;
      const { pid, condition } = status;
      return { node: site.name, before: was.pid, pid, tookMs: clock.now() - started, condition };
    } catch (error) {
      // It is between two lives; that is what is waited for.
      why = explain(error);
    }
  }
  const patience = describeDuration(RESTART_BACK_MS_MAX);
  throw new NotBackError(`the heartbeat of ${site.name} is not back within ${patience}: ${why}`);
}

/**
 * Restarts one after the other and tells each when it is back. Throws NotBackError where one does not
 * come back; a second one is then not touched.
 */
export async function restartHeartbeats(
  here: HeartbeatSite,
  peer: HeartbeatSite | null,
  world: { readonly clock: Clock; readonly signal: AbortSignal },
  onBack: (restarted: Restarted) => void,
): Promise<Restarted[]> {
  const { clock, signal } = world;
  const active = (await here.look()).condition === "active";
  const order = peer === null ? [here] : active ? [peer, here] : [here, peer];
  const done: Restarted[] = [];
  for (const [index, site] of order.entries()) {
    const stays = peer === null ? null : site === here ? peer : here;
    try {
      const restarted = await restartOne(site, stays, clock, signal);
      done.push(restarted);
      onBack(restarted);
    } catch (error) {
      const left = order.slice(index + 1).map(({ name }) => name);
      const untouched =
        left.length === 0 ? "" : `; the heartbeat of ${left.join()} was not touched`;
      throw new NotBackError(`${explain(error)}${untouched}`);
    }
  }
  return done;
}

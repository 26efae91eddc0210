// set-mode.ts — an operator's order for one real server: executed by the primary while it can be reached.
import {
  type ModeAnswer,
  modeOf,
  ProblemsError,
  parseServices,
  RefusalError,
  type ServicesConfig,
} from "@lbpair/common";
import { modesId, withMode } from "./core/mode-list.js";
import { PeerFailureError } from "./core/peer-failure.js";
import { formatModes } from "./modes-store.js";
import type { NodeState } from "./node-state.js";
import type { ModeChange } from "./receive-verbs.js";
import type { Replicator } from "./replicator.js";

/** Refuses labels that are not in force, naming those that are. */
function mustExist(services: ServicesConfig, { service, server }: ModeChange): void {
  const found = services.virtualServices.find((one) => one.label === service);
  if (found === undefined) {
    const known = services.virtualServices.map((one) => one.label).join(", ") || "none";
    throw new RefusalError(404, `service: want one of ${known}, got ${JSON.stringify(service)}`);
  }
  if (found.realServers.some((one) => one.label === server)) return;
  const known = found.realServers.map((one) => one.label).join(", ");
  throw new RefusalError(404, `server: want one of ${known}, got ${JSON.stringify(server)}`);
}

async function setHere(
  node: NodeState,
  replicator: Replicator,
  change: ModeChange,
): Promise<Omit<ModeAnswer, "peer">> {
  const { service, server, mode } = change;
  const { files } = await node.revisions.inForce();
  const services = parseServices(files.services);
  if (!services.ok) throw new ProblemsError(services.problems);
  mustExist(services.value, change);
  const before = await node.modes.read();
  const was = modeOf(before, service, server);
  if (was === mode) return { service, server, was, mode };
  const after = withMode(before, change, replicator.status().modes?.serial ?? 0);
  await node.modes.write(after);
  const [forwarder] = await node.daemons.reload(["forwarder"]);
  if (forwarder?.kind === "refused") {
    // The serial goes on rising: the list that was is a new decision.
    await node.modes.write({ ...before, serial: after.serial + 1 });
    throw new RefusalError(422, `the forwarder refuses: ${forwarder.why}`, forwarder.problems);
  }
  const text = `${service}/${server}: ${mode} (was ${was})`;
  node.events.record("info", "mode-set", text, { service, server, was, mode });
  return { service, server, was, mode };
}

/** Tells the peer at once; one that is away gets the list when it is back. */
async function tellPeer(node: NodeState, replicator: Replicator): Promise<void> {
  const peer = replicator.peer();
  if (peer === undefined) return;
  try {
    const ours = await node.modes.read();
    const answer = await peer.modes(formatModes(ours));
    if (answer.winner === "answerer") {
      replicator.changed("the peer has newer modes");
      return;
    }
    await node.modes.agree(modesId(ours));
    const status = replicator.status();
    if (status.state !== "in-sync") return;
    const told = { revision: status.revision, modes: modesId(ours) };
    replicator.note({ kind: "compared", verdict: "same", reason: status.reason, peer: told });
  } catch (error) {
    replicator.waits("a changed mode");
    replicator.noteFailure(error);
  }
}

/** Asks the primary. Undefined where it cannot be reached: then this node decides. */
async function askPrimary(
  replicator: Replicator,
  change: ModeChange,
): Promise<ModeAnswer | undefined> {
  const peer = replicator.peer();
  if (peer === undefined) return undefined;
  try {
    const answer = (await peer.modeRequest(change)) as ModeAnswer;
    // The primary told us its list before it answered; its view of "the peer" is us.
    return { ...answer, peer: replicator.answer() };
  } catch (error) {
    if (!(error instanceof PeerFailureError)) throw error;
    replicator.noteFailure(error);
    return undefined;
  }
}

/**
 * Sets a mode, in force on this node when it returns and on the peer if that can be reached.
 * `fromPeer` marks an order that the peer asked for, which is never passed back.
 */
export async function setMode(
  node: NodeState,
  replicator: Replicator,
  change: ModeChange,
  fromPeer: boolean,
): Promise<ModeAnswer> {
  if (!fromPeer && node.appliance().node.designation === "secondary") {
    const answer = await askPrimary(replicator, change);
    if (answer !== undefined) return answer;
  }
  const done = await node.queue(() => setHere(node, replicator, change));
  await tellPeer(node, replicator);
  return { ...done, peer: replicator.answer() };
}

// compare.ts — plan and sync: what differs between saved and in force, and between the two nodes.
import {
  type ChangeAnswer,
  type PlanAnswer,
  RefusalError,
  type RevisionRecord,
  type SyncAnswer,
} from "@lbpair/common";
import { asPeers, mustBePrimary, readCandidate, refusedHere } from "./apply.js";
import { nextSerial } from "./core/conflict.js";
import { hashOf, idOf, type ServiceFiles } from "./core/service-files.js";
import { diffFiles } from "./diff-files.js";
import { judgeCandidate } from "./judge-candidate.js";
import { formatModes } from "./modes-store.js";
import type { NodeState } from "./node-state.js";
import type { PeerPlan } from "./peer.js";
import type { Replicator } from "./replicator.js";

function recordFor(files: ServiceFiles, serial: number, node: NodeState): RevisionRecord {
  const at = node.clock.wall().toISOString();
  return { serial, hash: hashOf(files), author: node.appliance().node.designation, at, reason: "" };
}

/** The peer's view; undefined where it cannot be asked. Throws RefusalError where it refuses. */
async function askPeer(
  node: NodeState,
  replicator: Replicator,
  files: ServiceFiles,
  judge: boolean,
): Promise<PeerPlan | undefined> {
  const peer = replicator.peer();
  if (peer === undefined) return undefined;
  const serial = nextSerial(idOf((await node.revisions.inForce()).record), null);
  const modes = formatModes(await node.modes.read());
  try {
    return await peer.plan(files, recordFor(files, serial, node), modes, judge);
  } catch (error) {
    if (error instanceof RefusalError) {
      throw new RefusalError(409, `the peer refuses: ${error.message}`, asPeers(error.problems));
    }
    replicator.noteFailure(error);
    return undefined;
  }
}

/** What `apply` would change here and on the peer; changes nothing. */
export async function plan(node: NodeState, replicator: Replicator): Promise<PlanAnswer> {
  const files = await readCandidate(node);
  const { record, files: inForce } = await node.revisions.inForce();
  const judged = await judgeCandidate(files, inForce, {
    run: node.run,
    appliance: node.appliance(),
  });
  if (!judged.ok) throw refusedHere(judged.problems);
  const primary = node.appliance().node.designation === "primary";
  const there = primary ? await askPeer(node, replicator, files, true) : undefined;
  const secondaryReason = "this node is the secondary: its services come from the primary";
  const answer = replicator.answer();
  return {
    revision: idOf(record),
    changes: diffFiles(inForce, files),
    peer: {
      ...(primary ? answer : { ...answer, reason: secondaryReason }),
      changes: there === undefined ? null : there.changes,
    },
    problems: judged.warnings,
  };
}

const turn = (change: ChangeAnswer): ChangeAnswer => ({
  path: change.path,
  kind: change.kind === "add" ? "remove" : change.kind === "remove" ? "add" : "change",
  was: change.becomes,
  becomes: change.was,
});

/** From the secondary's state to the primary's, whoever asks; saved but unapplied edits are marked. */
function differencesOf(there: PeerPlan, asPrimary: boolean): ChangeAnswer[] {
  const all = [...there.changes, ...there.modes];
  if (!asPrimary) return all.map(turn);
  const edits = there.edits.map((edit) => ({ ...edit, path: `saved.${edit.path}` }));
  return [...all, ...edits];
}

/** An older primary takes the lead again on command only: its content gets a serial above the peer's. */
async function takeLead(node: NodeState, replicator: Replicator): Promise<void> {
  const theirs = replicator.status().revision;
  await node.queue(async () => {
    const { record, files } = await node.revisions.inForce();
    if (record === null || theirs === null || theirs.serial <= record.serial) return;
    const next: RevisionRecord = {
      ...recordFor(files, nextSerial(record, theirs), node),
      reason: `sync: taking the lead over the peer's revision ${theirs.serial}`,
    };
    await node.revisions.stage(files, next);
    await node.revisions.commit(next);
    await node.daemons.reload();
  });
}

/** Compares with the peer, field by field, and repairs unless it is a dry run. */
export async function sync(
  node: NodeState,
  replicator: Replicator,
  dryRun: boolean,
): Promise<SyncAnswer> {
  if (replicator.peer() === undefined) {
    throw new RefusalError(409, "no peer is configured (appliance.yaml, peer)");
  }
  await replicator.attempt({ effort: "look" });
  const primary = node.appliance().node.designation === "primary";
  const { files } = await node.revisions.inForce();
  const there = await askPeer(node, replicator, files, false);
  const differences = there === undefined ? [] : differencesOf(there, primary);
  if (dryRun || there === undefined) {
    return { dryRun, differences, repaired: false, peer: replicator.answer() };
  }
  if (!primary) {
    if (differences.length > 0) mustBePrimary(node, "Run `lbpair sync`");
    return { dryRun, differences, repaired: false, peer: replicator.answer() };
  }
  await takeLead(node, replicator);
  const attempt = await replicator.attempt({ effort: "repair" });
  return {
    dryRun,
    differences,
    repaired: attempt?.pushed ?? false,
    peer: replicator.answer(),
  };
}

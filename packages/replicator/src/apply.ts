// apply.ts — one act: judged here, staged there, in force here, in force there; or nothing anywhere.
import {
  type ApplyAnswer,
  type Problem,
  ProblemsError,
  RefusalError,
  type RevisionRecord,
  type StepAnswer,
} from "@lbpair/common";
import { nextSerial } from "./core/conflict.js";
import { hashOf, idOf, type ServiceFiles } from "./core/service-files.js";
import { readServiceFiles } from "./files-on-disk.js";
import { judgeCandidate } from "./judge-candidate.js";
import type { NodeState } from "./node-state.js";
import type { Peer } from "./peer.js";
import { putInForce } from "./put-in-force.js";
import type { Replicator } from "./replicator.js";

export const REASON_CHARACTERS_MAX = 200;

interface Steps {
  readonly list: StepAnswer[];
  add(where: StepAnswer["where"], what: string): void;
}

function createSteps(node: NodeState): Steps {
  let last = node.clock.now();
  const list: StepAnswer[] = [];
  return {
    list,
    add(where, what) {
      const now = node.clock.now();
      list.push({ where, what, tookMs: Math.round(now - last) });
      last = now;
    },
  };
}

/** The peer's problems, with a file name that says whose eyes saw them. */
export const asPeers = (problems: readonly Problem[]): Problem[] =>
  problems.map((problem) => ({ ...problem, file: `peer:${problem.file ?? ""}` }));

function refusedByPeer(error: RefusalError): RefusalError {
  const said = `the peer refuses, nothing was changed on either node: ${error.message}`;
  return new RefusalError(409, said, asPeers(error.problems));
}

export async function readCandidate(node: NodeState): Promise<ServiceFiles> {
  const candidate = await readServiceFiles(node.paths.etc);
  if (!candidate.ok) throw refusedHere(candidate.problems);
  return candidate.value;
}

export const refusedHere = (problems: readonly Problem[]): RefusalError =>
  new RefusalError(422, "the saved files are refused; what was in force stays in force", problems);

export function mustBePrimary(node: NodeState, what: string): void {
  if (node.appliance().node.designation === "primary") return;
  throw new RefusalError(
    409,
    `this node is the secondary: its services come from the primary. ${what} on the primary`,
  );
}

function noteWaiting(replicator: Replicator, error: unknown, record: RevisionRecord): void {
  replicator.waits(`revision ${record.serial}`);
  replicator.noteFailure(error);
}

/** Stages on the peer. False where it cannot be reached: the change then waits for it. */
async function stageThere(
  peer: Peer,
  files: ServiceFiles,
  record: RevisionRecord,
  replicator: Replicator,
): Promise<boolean> {
  try {
    await peer.stage(files, record);
    return true;
  } catch (error) {
    if (error instanceof RefusalError) throw refusedByPeer(error);
    noteWaiting(replicator, error, record);
    return false;
  }
}

async function newRecord(
  node: NodeState,
  replicator: Replicator,
  files: ServiceFiles,
  reason: string,
): Promise<RevisionRecord> {
  const { record } = await node.revisions.inForce();
  const serial = nextSerial(idOf(record), replicator.status().revision);
  const at = node.clock.wall().toISOString();
  return { serial, hash: hashOf(files), author: node.appliance().node.designation, at, reason };
}

async function stageHere(
  node: NodeState,
  files: ServiceFiles,
  record: RevisionRecord,
): Promise<void> {
  try {
    await node.revisions.stage(files, record);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RefusalError(
      507,
      `cannot write revision ${record.serial}; nothing was changed: ${why}`,
    );
  }
}

interface Act {
  readonly node: NodeState;
  readonly replicator: Replicator;
  readonly files: ServiceFiles;
  readonly record: RevisionRecord;
  readonly steps: Steps;
}

/** Commit here, then there; a peer that refuses at the last moment takes it back here as well. */
async function commitBoth(act: Act, staged: Peer | undefined): Promise<void> {
  const { node, replicator, record, steps } = act;
  const here = await putInForce(node, record).catch(async (error: unknown) => {
    await staged?.abort().catch(() => undefined);
    throw error;
  });
  steps.add("here", `revision ${record.serial} is in force: ${here.steps.join(", ")}`);
  if (staged === undefined) return;
  try {
    const there = await staged.commit(record);
    steps.add("peer", `revision ${record.serial} is in force: ${there.join(", ")}`);
  } catch (error) {
    if (error instanceof RefusalError) {
      await here.undo();
      throw refusedByPeer(error);
    }
    noteWaiting(replicator, error, record);
    steps.add("peer", `did not acknowledge: ${error instanceof Error ? error.message : error}`);
    return;
  }
  const modes = replicator.status().modes ?? { serial: 0, hash: "" };
  replicator.note({
    kind: "compared",
    verdict: "same",
    reason: `revision ${record.serial} is in force on both`,
    peer: { revision: { serial: record.serial, hash: record.hash }, modes },
  });
}

async function applyNow(
  node: NodeState,
  replicator: Replicator,
  reason: string,
): Promise<ApplyAnswer> {
  const steps = createSteps(node);
  const files = await readCandidate(node);
  const inForce = await node.revisions.inForce();
  const judged = await judgeCandidate(files, inForce.files, {
    run: node.run,
    appliance: node.appliance(),
  });
  if (!judged.ok) throw refusedHere(judged.problems);
  steps.add("here", "the saved files are right for this node");
  if (inForce.record !== null && inForce.intact && inForce.record.hash === hashOf(files)) {
    const { record } = inForce;
    const revision = { serial: record.serial, hash: record.hash };
    return { revision, changed: false, peer: replicator.answer(), steps: steps.list };
  }
  const record = await newRecord(node, replicator, files, reason);
  const act: Act = { node, replicator, files, record, steps };
  await stageHere(node, files, record);
  const peer = replicator.peer();
  try {
    const there = peer !== undefined && (await stageThere(peer, files, record, replicator));
    if (peer !== undefined) {
      steps.add(
        "peer",
        there ? "it is right for the peer, and staged there" : replicator.answer().reason,
      );
    }
    await commitBoth(act, there ? peer : undefined);
  } finally {
    await node.revisions.unstage();
  }
  const text = `revision ${record.serial} applied${reason === "" ? "" : `: ${reason}`}`;
  node.events.record("info", "applied", text, { serial: record.serial, hash: record.hash });
  return {
    revision: { serial: record.serial, hash: record.hash },
    changed: true,
    peer: replicator.answer(),
    steps: steps.list,
  };
}

/** Makes the candidate the revision in force. Throws RefusalError; then nothing has changed. */
export async function apply(
  node: NodeState,
  replicator: Replicator,
  reason: string,
): Promise<ApplyAnswer> {
  mustBePrimary(node, "Edit and `lbpair apply`");
  let answer: ApplyAnswer;
  try {
    answer = await node.queue(() =>
      applyNow(node, replicator, reason.slice(0, REASON_CHARACTERS_MAX)),
    );
  } catch (error) {
    if (error instanceof ProblemsError) throw refusedHere(error.problems);
    throw error;
  }
  if (answer.changed || replicator.answer().state === "in-sync") return answer;
  // Nothing new here, but the peer may still wait for it: an admin who applies again means that.
  await replicator.attempt({ effort: "follow" });
  return { ...answer, peer: replicator.answer() };
}

// attempt.ts — one round with the peer: greet, agree on modes, push what it lacks, say how it stands.
import { type ModesConfig, ProblemsError, parseModes, RefusalError } from "@lbpair/common";
import { judgeServices, modesWinner, type NodeFacts } from "./core/conflict.js";
import { modesId } from "./core/mode-list.js";
import { PeerFailureError } from "./core/peer-failure.js";
import type { ReplicationEvent } from "./core/replication.js";
import { formatModes } from "./modes-store.js";
import { type NodeState, ownFacts } from "./node-state.js";
import type { Peer } from "./peer.js";
import { adoptModes } from "./receive-verbs.js";

export interface AttemptOptions {
  /**
   * look: compares and changes nothing on either node · follow: sends what the peer lacks ·
   * repair: drift too, which only a command or the schedule may overwrite.
   */
  readonly effort: "look" | "follow" | "repair";
}

export interface Attempt {
  readonly event: ReplicationEvent;
  /** What was done there, one sentence each. */
  readonly steps: readonly string[];
  readonly pushed: boolean;
}

const describe = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The event that an error of the peer amounts to. */
export function failureEvent(error: unknown): ReplicationEvent {
  if (error instanceof PeerFailureError) return { kind: "unreachable", reason: error.message };
  if (error instanceof RefusalError) {
    const first = error.problems[0];
    const where =
      first === undefined ? "" : ` (${first.path}: want ${first.want}, got ${first.got})`;
    return { kind: "refused", reason: `the peer refuses: ${error.message}${where}` };
  }
  return { kind: "refused", reason: describe(error) };
}

/** Compares the lists of modes where they differ; afterwards both nodes have the winner's. */
export async function exchangeModes(node: NodeState, peer: Peer): Promise<ModesConfig> {
  const ours = await node.modes.read();
  const answer = await peer.modes(formatModes(ours));
  if (answer.winner !== "answerer") {
    await node.modes.agree(modesId(ours));
    return ours;
  }
  const parsed = parseModes(answer.text, "the peer's modes.yaml");
  if (!parsed.ok) throw new ProblemsError(parsed.problems);
  await adoptModes(node, parsed.value, ours);
  return parsed.value;
}

/** Stages and commits what is in force here; the peer acknowledges when it is in force there. */
async function push(node: NodeState, peer: Peer): Promise<readonly string[]> {
  const { record, files } = await node.revisions.inForce();
  if (record === null) throw new RefusalError(409, "nothing is in force here; run lbpair apply");
  await peer.stage(files, record);
  const steps = await peer.commit(record);
  const text = `revision ${record.serial} is in force on the peer`;
  node.events.record("info", "revision-pushed", text, { serial: record.serial, hash: record.hash });
  return steps;
}

function judge(here: NodeFacts, peer: NodeFacts): ReplicationEvent {
  const verdict = judgeServices(here, peer);
  const revisions = { revision: peer.revision, modes: peer.modes };
  if (verdict.kind === "same") {
    if (modesWinner(here.modes, peer.modes, here.designation) !== "same") {
      return { kind: "compared", verdict: "push", reason: "the modes differ", peer: revisions };
    }
    const serial = here.revision?.serial;
    const reason =
      serial === undefined
        ? "nothing is in force on either node"
        : `revision ${serial} is in force on both`;
    return { kind: "compared", verdict: "same", reason, peer: revisions };
  }
  if (verdict.kind === "drifted") {
    const mend =
      (verdict.who === "peer") === (here.designation === "primary")
        ? "`lbpair sync` on the primary shows and repairs it"
        : "`lbpair sync --dry-run` shows it, `lbpair apply` on the primary makes the primary's the newest";
    return {
      kind: "compared",
      verdict: "drifted",
      reason: `${verdict.reason}; ${mend}`,
      peer: revisions,
    };
  }
  const ours = here.designation === "primary";
  return {
    kind: "compared",
    verdict: ours ? "push" : "wait",
    reason: verdict.reason,
    peer: revisions,
  };
}

/** Whether this node may mend what it found: only the primary, and drift only where told to. */
function mayPush(
  here: NodeFacts,
  event: ReplicationEvent,
  effort: AttemptOptions["effort"],
): boolean {
  if (event.kind !== "compared" || here.designation !== "primary" || effort === "look")
    return false;
  return event.verdict === "push" || (event.verdict === "drifted" && effort === "repair");
}

/** Never throws: what goes wrong is the event it returns. */
export async function attemptPeer(
  node: NodeState,
  peer: Peer,
  options: AttemptOptions,
): Promise<Attempt> {
  try {
    let theirs = await peer.hello();
    let here = await ownFacts(node);
    if (theirs.designation === here.designation) {
      const reason = `both nodes are configured as ${here.designation} (appliance.yaml, node.designation)`;
      return { event: { kind: "refused", reason }, steps: [], pushed: false };
    }
    if (
      options.effort !== "look" &&
      modesWinner(here.modes, theirs.modes, here.designation) !== "same"
    ) {
      const agreed = modesId(await node.queue(() => exchangeModes(node, peer)));
      here = { ...here, modes: agreed };
      theirs = { ...theirs, modes: agreed };
    }
    const found = judge(here, theirs);
    const newerThere = (theirs.revision?.serial ?? 0) > (here.revision?.serial ?? 0);
    if (!mayPush(here, found, options.effort) || newerThere) {
      return { event: found, steps: [], pushed: false };
    }
    const steps = await node.queue(() => push(node, peer));
    return { event: judge(await ownFacts(node), await peer.hello()), steps, pushed: true };
  } catch (error) {
    return { event: failureEvent(error), steps: [], pushed: false };
  }
}

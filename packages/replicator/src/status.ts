// status.ts — what the replicator says of itself.
import {
  type Problem,
  ProblemsError,
  type ReplicatorStatus,
  type RevisionId,
} from "@lbpair/common";
import { modesId } from "./core/mode-list.js";
import { hashOf, idOf } from "./core/service-files.js";
import { readServiceFiles } from "./files-on-disk.js";
import { judgeCandidate } from "./judge-candidate.js";
import type { NodeState } from "./node-state.js";
import type { Replicator } from "./replicator.js";

/** Returns the status's maker; the candidate is judged again only when its content has changed. */
export function createStatus(
  node: NodeState,
  replicator: Replicator,
  version: string,
): () => Promise<ReplicatorStatus> {
  const startedAt = node.clock.now();
  let judged: { readonly hash: string; readonly problems: readonly Problem[] } | undefined;

  const candidateStatus = async (): Promise<ReplicatorStatus["candidate"]> => {
    const candidate = await readServiceFiles(node.paths.etc);
    if (!candidate.ok) return { differs: true, problems: candidate.problems };
    const { files, record } = await node.revisions.inForce();
    const hash = hashOf(candidate.value);
    if (hash === (record?.hash ?? hashOf(files))) return { differs: false, problems: [] };
    if (judged?.hash !== hash) {
      const appliance = node.appliance();
      const result = await judgeCandidate(candidate.value, files, { run: node.run, appliance });
      judged = { hash, problems: result.ok ? [] : result.problems };
    }
    return { differs: true, problems: judged.problems };
  };

  /** A list that somebody made unreadable is shown as a problem, not as a status that fails. */
  const readModes = async (): Promise<{ id: RevisionId; problems: readonly Problem[] }> => {
    try {
      return { id: modesId(await node.modes.read()), problems: [] };
    } catch (error) {
      if (!(error instanceof ProblemsError)) throw error;
      return { id: { serial: 0, hash: "unreadable" }, problems: error.problems };
    }
  };

  return async () => {
    const { record } = await node.revisions.inForce();
    const candidate = await candidateStatus();
    const modes = await readModes();
    const { name, designation } = node.appliance().node;
    return {
      daemon: "replicator",
      version,
      pid: process.pid,
      upMs: Math.round(node.clock.now() - startedAt),
      node: name,
      designation,
      revision: idOf(record),
      modes: modes.id,
      candidate: { ...candidate, problems: [...candidate.problems, ...modes.problems] },
      peer: replicator.status(),
    };
  };
}

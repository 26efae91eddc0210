// status.ts — what the replicator says of itself.
import type { Problem, ReplicatorStatus } from "@lbpair/common";
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

  return async () => {
    const { record } = await node.revisions.inForce();
    const { name, designation } = node.appliance().node;
    return {
      daemon: "replicator",
      version,
      pid: process.pid,
      upMs: Math.round(node.clock.now() - startedAt),
      node: name,
      designation,
      revision: idOf(record),
      modes: modesId(await node.modes.read()),
      candidate: await candidateStatus(),
      peer: replicator.status(),
    };
  };
}

// node-state.ts — what the parts of the replicator share: this node's stores, neighbours and clock.
import type { ApplianceConfig, AppliancePaths, Clock, EventLog, Run } from "@lbpair/common";
import type { NodeFacts } from "./core/conflict.js";
import { modesId } from "./core/mode-list.js";
import { hashOf, idOf } from "./core/service-files.js";
import { readServiceFiles } from "./files-on-disk.js";
import type { LocalDaemons } from "./local-daemons.js";
import type { ModesStore } from "./modes-store.js";
import type { Queue } from "./queue.js";
import type { RevisionStore } from "./revision-store.js";

export interface NodeState {
  readonly paths: AppliancePaths;
  readonly run: Run;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly revisions: RevisionStore;
  readonly modes: ModesStore;
  readonly daemons: LocalDaemons;
  /** Every change of this node's configuration waits its turn here; no call to the peer's own queue does. */
  readonly queue: Queue;
  appliance(): ApplianceConfig;
}

/** What this node says of itself when the peer greets it; holds no local field. */
export async function ownFacts(node: NodeState): Promise<NodeFacts> {
  const inForce = await node.revisions.inForce();
  const candidate = await readServiceFiles(node.paths.etc);
  const edited = !candidate.ok || hashOf(candidate.value) !== hashOf(inForce.files);
  return {
    designation: node.appliance().node.designation,
    revision: idOf(inForce.record),
    intact: inForce.intact,
    edited,
    modes: modesId(await node.modes.read()),
  };
}

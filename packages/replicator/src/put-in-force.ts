// put-in-force.ts — makes the staged revision the one in force here: swapped, loaded by both daemons, or undone.
import { RefusalError, type RevisionId } from "@lbpair/common";
import type { Reloaded } from "./local-daemons.js";
import type { NodeState } from "./node-state.js";

export interface PutInForce {
  /** One sentence for each thing done. */
  readonly steps: readonly string[];
  /** Takes it back: the former revision in force again. */
  undo(): Promise<void>;
}

const describe = (one: Reloaded): string =>
  one.kind === "done"
    ? `${one.daemon} loaded it`
    : `${one.daemon} is not running and will load it when it starts`;

/** Throws RefusalError where a daemon refuses to load it; then the former revision is in force again. */
export async function putInForce(node: NodeState, id: RevisionId): Promise<PutInForce> {
  const before = await node.revisions.commit(id);
  const undo = async () => {
    await node.revisions.restore(before);
    await node.daemons.reload();
  };
  const reloaded = await node.daemons.reload();
  const refused = reloaded.find((one) => one.kind === "refused");
  if (refused?.kind === "refused") {
    await undo();
    const said = `the ${refused.daemon} refuses revision ${id.serial}: ${refused.why}`;
    throw new RefusalError(422, said, refused.problems);
  }
  return { steps: reloaded.map(describe), undo };
}

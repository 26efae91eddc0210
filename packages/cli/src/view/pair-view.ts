// pair-view.ts — everything known of both nodes at one moment, and which of it nobody could tell.
import type {
  Designation,
  ForwarderStatus,
  HeartbeatStatus,
  ReplicatorStatus,
} from "@lbpair/common";

/** What one daemon said, or one sentence on why it said nothing. */
export type Heard<T> =
  | { readonly ok: true; readonly status: T }
  | { readonly ok: false; readonly error: string };

export interface NodeView {
  /** Whether it is the node this command runs on. */
  readonly here: boolean;
  readonly name: string;
  readonly designation: Designation | null;
  readonly forwarder: Heard<ForwarderStatus>;
  readonly heartbeat: Heard<HeartbeatStatus>;
  readonly replicator: Heard<ReplicatorStatus>;
}

export interface PairView {
  /** Wall time of the look, for people. */
  readonly at: string;
  readonly here: NodeView;
  /** null: this appliance has no peer. */
  readonly peer: NodeView | null;
}

/** Primary first, whichever node asks, so that a column always means the same box. */
export function nodesInOrder(pair: PairView): readonly NodeView[] {
  if (pair.peer === null) return [pair.here];
  return pair.here.designation === "secondary" || pair.peer.designation === "primary"
    ? [pair.peer, pair.here]
    : [pair.here, pair.peer];
}

export const statusOf = <T>(heard: Heard<T>): T | null => (heard.ok ? heard.status : null);

/** Nodes that say of themselves that they are active. */
export const activeNodes = (pair: PairView): readonly NodeView[] =>
  nodesInOrder(pair).filter((node) => statusOf(node.heartbeat)?.condition === "active");

/** The forwarder whose counts tell about traffic: the active node's, else whichever answers. */
export function trafficForwarder(
  pair: PairView,
): { readonly node: NodeView; readonly status: ForwarderStatus } | null {
  for (const node of [...activeNodes(pair), pair.here, ...nodesInOrder(pair)]) {
    if (node.forwarder.ok) return { node, status: node.forwarder.status };
  }
  return null;
}

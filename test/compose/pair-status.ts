// pair-status.ts — what `lbpair status --json` in a container says of both nodes, and waiting for it.
import type { ForwarderStatus, HeartbeatStatus, ReplicatorStatus } from "@lbpair/common";
import { APPLIANCES, type ApplianceName, monotonicMs } from "@lbpair/lab";
import type { Machines } from "./containers.js";

interface NodeJson {
  readonly name: string;
  /** A daemon that does not answer has none of these fields. */
  readonly heartbeat: Partial<HeartbeatStatus>;
  readonly forwarder: Partial<ForwarderStatus>;
  readonly replicator: Partial<ReplicatorStatus>;
}

const POLL_MS = 200;

export const other = (name: ApplianceName): ApplianceName => (name === "lb1" ? "lb2" : "lb1");

/** Both nodes as the named one sees them. */
export async function statusFrom(
  machines: Machines,
  on: ApplianceName,
): Promise<readonly NodeJson[]> {
  const { stdout, stderr, code } = await machines.exec(on, ["lbpair", "status", "--json"]);
  if (stdout === "") throw new Error(`lbpair status on ${on}: exit code ${code}: ${stderr}`);
  return (JSON.parse(stdout) as { nodes: readonly NodeJson[] }).nodes;
}

export const nodeOf = (nodes: readonly NodeJson[], name: ApplianceName): NodeJson | undefined =>
  nodes.find((node) => node.name === name);

const activeOf = (nodes: readonly NodeJson[]): ApplianceName[] =>
  APPLIANCES.filter((name) => nodeOf(nodes, name)?.heartbeat.condition === "active");

/** Why the pair is not settled, or undefined where it is. */
function unsettled(nodes: readonly NodeJson[]): string | undefined {
  const active = activeOf(nodes);
  if (active.length !== 1) return `${active.length} nodes are active`;
  for (const name of APPLIANCES) {
    const node = nodeOf(nodes, name);
    if (node?.heartbeat.peer?.alive !== true) return `${name} does not hear its peer`;
    if (node.forwarder.ready !== true) {
      return `${name} is not ready: ${node.forwarder.readyReason ?? "the forwarder is silent"}`;
    }
    const { peer } = node.replicator;
    if (peer?.state !== "in-sync") return `${name}: replication ${peer?.state ?? "is silent"}`;
  }
  return undefined;
}

/** Waits for one active node, both ready, both in sync; answers which it is. */
export async function waitSettled(machines: Machines, timeoutMs: number): Promise<ApplianceName> {
  const deadline = monotonicMs() + timeoutMs;
  for (;;) {
    let why: string | undefined;
    try {
      const nodes = await statusFrom(machines, "lb1");
      why = unsettled(nodes);
      const [active] = activeOf(nodes);
      if (why === undefined && active !== undefined) return active;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    if (monotonicMs() > deadline) throw new Error(`not settled within ${timeoutMs} ms: ${why}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export async function conditionOf(
  machines: Machines,
  name: ApplianceName,
): Promise<string | undefined> {
  return nodeOf(await statusFrom(machines, name), name)?.heartbeat.condition;
}

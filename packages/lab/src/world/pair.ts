// pair.ts — what the two appliances say of themselves, and waiting until they say what is wanted.
import type { ForwarderStatus, HeartbeatStatus, ReplicatorStatus } from "@lbpair/common";
import { monotonicMs } from "../ticker.js";
import { APPLIANCES, type ApplianceName } from "./plan.js";
import type { World } from "./world.js";

export interface NodeView {
  readonly name: ApplianceName;
  /** Undefined where the daemon does not answer. */
  readonly heartbeat: HeartbeatStatus | undefined;
  readonly forwarder: ForwarderStatus | undefined;
  readonly replicator: ReplicatorStatus | undefined;
}

export type PairView = Readonly<Record<ApplianceName, NodeView>>;

/** Frozen and dead daemons are known without asking; a living one may be slow on a machine under load. */
const ASK_MS_MAX = 2000;
const POLL_MS = 50;

async function viewNode(world: World, name: ApplianceName): Promise<NodeView> {
  const appliance = world.appliances[name];
  const ask = async (daemon: "heartbeat" | "forwarder" | "replicator"): Promise<unknown> => {
    if (appliance.view(daemon).frozen) return undefined;
    return appliance
      .ask(daemon, "GET /status", undefined, ASK_MS_MAX)
      .catch((): undefined => undefined);
  };
  const [heartbeat, forwarder, replicator] = await Promise.all([
    ask("heartbeat"),
    ask("forwarder"),
    ask("replicator"),
  ]);
  return {
    name,
    heartbeat: heartbeat as HeartbeatStatus | undefined,
    forwarder: forwarder as ForwarderStatus | undefined,
    replicator: replicator as ReplicatorStatus | undefined,
  };
}

export async function viewPair(world: World): Promise<PairView> {
  const [lb1, lb2] = await Promise.all([viewNode(world, "lb1"), viewNode(world, "lb2")]);
  return { lb1, lb2 };
}

/** The nodes that say they are active. */
export const activeNodes = (pair: PairView): ApplianceName[] =>
  APPLIANCES.filter((name) => pair[name].heartbeat?.condition === "active");

export const otherNode = (name: ApplianceName): ApplianceName => (name === "lb1" ? "lb2" : "lb1");

/** One active, both hearing each other, both ready to carry traffic. */
export const isSettled = (pair: PairView): boolean =>
  activeNodes(pair).length === 1 &&
  APPLIANCES.every((name) => {
    const { heartbeat, forwarder } = pair[name];
    return heartbeat?.peer?.alive === true && heartbeat.forwarderReady && forwarder?.ready === true;
  });

const describe = (pair: PairView): string =>
  APPLIANCES.map((name) => {
    const { heartbeat, forwarder } = pair[name];
    if (heartbeat === undefined) return `${name}: heartbeat silent`;
    const ready = forwarder?.ready === true ? "ready" : (forwarder?.readyReason ?? "no forwarder");
    return `${name}: ${heartbeat.condition} (${heartbeat.because}), ${ready}`;
  }).join("; ");

/** Waits until the pair is as wanted; throws with what it is instead. */
export async function waitForPair(
  world: World,
  what: string,
  wanted: (pair: PairView) => boolean,
  timeoutMs = 15_000,
): Promise<PairView> {
  const deadline = monotonicMs() + timeoutMs;
  for (;;) {
    const pair = await viewPair(world);
    if (wanted(pair)) return pair;
    if (monotonicMs() > deadline) {
      throw new Error(`${what}: not within ${timeoutMs} ms; ${describe(pair)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Waits until one node is active and both are well; answers which it is. */
export async function waitSettled(world: World, timeoutMs?: number): Promise<ApplianceName> {
  const pair = await waitForPair(world, "pair settled", isSettled, timeoutMs);
  return activeNodes(pair)[0] ?? "lb1";
}

// gather-pair.ts — asks everybody at once and keeps what was heard, whoever stays silent.
import {
  type ApplianceConfig,
  type AppliancePaths,
  type Daemon,
  type Designation,
  type ForwarderStatus,
  type HeartbeatStatus,
  parseAppliance,
  type ReplicatorStatus,
  readTextFile,
} from "@lbpair/common";
import type { Daemons } from "./daemons.js";
import { type Heard, type NodeView, type PairView, statusOf } from "./view/pair-view.js";

/** Longest wait for the peer's answer, which comes over SSH. */
export const PEER_TIMEOUT_MS = 6000;

type Trio = Pick<NodeView, Daemon>;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** What came as a daemon's status, a refusal, or something this version does not know. */
export function readStatus<T>(daemon: Daemon, value: unknown): Heard<T> {
  if (isRecord(value) && value.daemon === daemon) return { ok: true, status: value as T };
  if (isRecord(value) && typeof value.error === "string") return { ok: false, error: value.error };
  return { ok: false, error: `the ${daemon} answered what this lbpair does not understand` };
}

const explain = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

export async function gatherHere(daemons: Daemons): Promise<Trio> {
  const hear = async <T>(daemon: Daemon): Promise<Heard<T>> => {
    try {
      return readStatus<T>(daemon, await daemons.ask(daemon, "GET /status"));
    } catch (error) {
      return { ok: false, error: explain(error) };
    }
  };
  const [forwarder, heartbeat, replicator] = await Promise.all([
    hear<ForwarderStatus>("forwarder"),
    hear<HeartbeatStatus>("heartbeat"),
    hear<ReplicatorStatus>("replicator"),
  ]);
  return { forwarder, heartbeat, replicator };
}

/** The peer's three statuses by way of this node's replicator. */
export async function gatherPeer(daemons: Daemons): Promise<Trio> {
  try {
    const answer = await daemons.ask("replicator", "GET /peer/status", undefined, PEER_TIMEOUT_MS);
    const trio = isRecord(answer) ? answer : {};
    return {
      forwarder: readStatus<ForwarderStatus>("forwarder", trio.forwarder),
      heartbeat: readStatus<HeartbeatStatus>("heartbeat", trio.heartbeat),
      replicator: readStatus<ReplicatorStatus>("replicator", trio.replicator),
    };
  } catch (error) {
    const silent = { ok: false, error: `not asked: ${explain(error)}` } as const;
    return { forwarder: silent, heartbeat: silent, replicator: silent };
  }
}

/** appliance.yaml as far as it can be read; a status must not fail by it. */
export async function readAppliance(paths: AppliancePaths): Promise<ApplianceConfig | null> {
  try {
    const parsed = parseAppliance((await readTextFile(paths.applianceFile)) ?? "");
    return parsed.ok ? parsed.value : null;
  } catch {
    return null;
  }
}

const opposite = (designation: Designation | null): Designation | null =>
  designation === null ? null : designation === "primary" ? "secondary" : "primary";

/** Puts what was heard together; `peer` null = not asked yet. */
export function composePair(
  at: string,
  here: Trio,
  peer: Trio | null,
  appliance: ApplianceConfig | null,
): PairView {
  const own = statusOf(here.heartbeat);
  const replicator = statusOf(here.replicator);
  const designation =
    own?.designation ?? replicator?.designation ?? appliance?.node.designation ?? null;
  const hasPeer =
    own === null
      ? appliance?.peer !== undefined ||
        (replicator !== null && replicator.peer.state !== "unpaired")
      : own.peer !== null;
  const waiting = { ok: false, error: "not asked yet" } as const;
  const trio = peer ?? { forwarder: waiting, heartbeat: waiting, replicator: waiting };
  const theirs = statusOf(trio.heartbeat) ?? statusOf(trio.replicator);
  return {
    at,
    here: {
      here: true,
      name: own?.node ?? replicator?.node ?? appliance?.node.name ?? "this node",
      designation,
      ...here,
    },
    peer: hasPeer
      ? {
          here: false,
          name: theirs?.node ?? own?.peer?.name ?? appliance?.peer?.name ?? "the peer",
          designation: theirs?.designation ?? own?.peer?.designation ?? opposite(designation),
          ...trio,
        }
      : null,
  };
}

/** One look at both nodes. */
export async function gatherPair(
  daemons: Daemons,
  paths: AppliancePaths,
  at: string,
): Promise<PairView> {
  const [here, peer, appliance] = await Promise.all([
    gatherHere(daemons),
    gatherPeer(daemons),
    readAppliance(paths),
  ]);
  return composePair(at, here, peer, appliance);
}

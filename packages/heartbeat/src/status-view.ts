// status-view.ts — what the heartbeat says of itself on its control socket.
import {
  type HeartbeatStatus,
  type Millis,
  type TransitionRecord,
  VERSION,
} from "@lbpair/common/light";
import { conditionOf, other } from "./core/election-state.js";
import { heldUntil, movesCounted } from "./core/flap-governor.js";
import { peerAlive } from "./core/silence.js";
import type { HeartbeatDaemon } from "./daemon.js";

const rounded = (value: number | null): number | null =>
  value === null ? null : Math.round(value);

function peerStatus(daemon: HeartbeatDaemon, now: Millis): HeartbeatStatus["peer"] {
  const { appliance } = daemon.settings.running;
  if (appliance.peer === undefined) return null;
  const { state, settings } = daemon;
  const newest = daemon.advertiser?.newest ?? null;
  const alive = peerAlive(state, settings.election, now);
  return {
    name: appliance.peer.name,
    designation: other(appliance.node.designation),
    alive,
    condition: state.peer === null ? null : state.peer.active ? "active" : "passive",
    heardAgeMs: state.peer === null ? null : Math.round(now - state.peer.heardAt),
    ready: state.peer?.ready ?? null,
    revision: newest?.revision ?? null,
    faults: state.peer?.faults ?? null,
    latenessMs: newest?.latenessMs ?? null,
    clockOffsetMs: rounded(daemon.advertiser?.clockOffsetMs() ?? null),
    wireVersion: newest?.version ?? null,
  };
}

/** The peer's wall clock less ours, sure to half of the shortest round trip; null = not known. */
export function clockOf(daemon: HeartbeatDaemon, now: Millis): TransitionRecord["clock"] {
  const offsetMs = peerStatus(daemon, now)?.clockOffsetMs ?? null;
  if (offsetMs === null) return null;
  const trips = (daemon.advertiser?.status() ?? []).flatMap(({ rttMs }) => rttMs ?? []);
  return { offsetMs, uncertainMs: trips.length === 0 ? 0 : Math.min(...trips) / 2 };
}

function flapStatus(daemon: HeartbeatDaemon, now: Millis): HeartbeatStatus["flaps"] {
  const { flaps } = daemon.state;
  const { election } = daemon.settings;
  const until = heldUntil(flaps, now, election);
  return {
    moves: movesCounted(flaps, now, election),
    limit: election.flapLimit,
    heldForMs: until === null ? null : Math.round(until - now),
  };
}

function leaseStatus(daemon: HeartbeatDaemon, now: Millis): HeartbeatStatus["lease"] {
  const { length } = daemon.lease;
  if (length === null) return { kind: "none", remainingMs: null };
  if (length === "unlimited") return { kind: "long", remainingMs: null };
  const { lease } = daemon.settings.election;
  const remainingMs = Math.round(daemon.lease.remainingMs(now));
  return { kind: length <= lease ? "short" : "long", remainingMs };
}

export function describeStatus(daemon: HeartbeatDaemon, now: Millis): HeartbeatStatus {
  const { state, settings, holder } = daemon;
  const { node } = settings.running.appliance;
  const { heartbeat } = settings.running.services;
  const places = new Map(holder.placed.map(({ address, link }) => [address, link]));
  return {
    daemon: "heartbeat",
    version: VERSION,
    pid: process.pid,
    upMs: Math.round(now - daemon.startedAt),
    node: node.name,
    designation: node.designation,
    condition: conditionOf(state),
    phase: state.phase,
    sinceMs: Math.round(now - state.since),
    because: state.because,
    epoch: `${state.epoch}`,
    forwarderReady: daemon.forwarderReady,
    peer: peerStatus(daemon, now),
    faults: state.faults,
    faultReasons: daemon.faultList(),
    pingNodes: daemon.pings.status(),
    flaps: flapStatus(daemon, now),
    ...daemon.network.status(),
    realtime: daemon.realtime,
    paths: daemon.advertiser?.status() ?? [],
    floatingIps: holder.wanted.map(({ address, label }) => ({
      address,
      label,
      link: places.get(address) ?? null,
      held: holder.holds(address),
    })),
    lease: leaseStatus(daemon, now),
    timings: {
      keepaliveMs: heartbeat.keepalive,
      warntimeMs: heartbeat.warntime,
      deadtimeMs: heartbeat.deadtime,
      initdeadMs: heartbeat.initdead,
      leaseMs: heartbeat.lease,
      loneLeaseMs: heartbeat.loneLease,
    },
    lateness: daemon.heart.lateness.summary(),
    problems: [...holder.problems, ...holder.virtual.disagreement(daemon.network.peerMacs)],
  };
}

// pair-verdict.ts — the one sentence on top: does it work, and would it survive the next failure?
import { describeDuration } from "@lbpair/common";
import {
  activeNodes,
  type NodeView,
  type PairView,
  statusOf,
  trafficForwarder,
} from "./pair-view.js";

export interface PairVerdict {
  readonly level: "good" | "attention" | "alarm" | "unknown";
  readonly text: string;
}

const verdict = (level: PairVerdict["level"], text: string): PairVerdict => ({ level, text });

/** Why the passive node would not survive a take over now; null = it would. */
function unreadiness(passive: NodeView): string | null {
  const heartbeat = statusOf(passive.heartbeat);
  if (heartbeat === null) return `the heartbeat of ${passive.name} does not answer`;
  if (!heartbeat.forwarderReady) {
    const forwarder = statusOf(passive.forwarder);
    return `the forwarder of ${passive.name} is not ready${forwarder === null ? "" : ` (${forwarder.readyReason})`}`;
  }
  const bad = heartbeat.paths.filter((path) => path.state === "silent" || path.state === "unbound");
  if (bad.length > 0 && bad.length === heartbeat.paths.length) {
    return `${passive.name} hears its peer on no path`;
  }
  return null;
}

function nobodyActive(pair: PairView): PairVerdict {
  const heartbeat = statusOf(pair.here.heartbeat);
  if (heartbeat === null && (pair.peer === null || !pair.peer.heartbeat.ok)) {
    return verdict(
      "unknown",
      "No heartbeat daemon answers, so nobody can say which node is active.",
    );
  }
  if (heartbeat?.peer?.alive === true && heartbeat.peer.condition === "active") {
    return verdict(
      "attention",
      `${heartbeat.peer.name} is active, as its adverts say; it could not be asked itself.`,
    );
  }
  if (heartbeat?.phase === "starting") {
    return verdict(
      "attention",
      `No node is active yet: ${heartbeat.node} has just started and listens for its peer.`,
    );
  }
  return verdict("alarm", "No node is active: nobody answers for the floating IPs.");
}

function aloneVerdict(pair: PairView, active: NodeView): PairVerdict | null {
  if (pair.peer === null) {
    return verdict("good", `${active.name} is a single appliance and active.`);
  }
  const other = active.here ? pair.peer : pair.here;
  const heartbeat = statusOf(active.heartbeat);
  if (heartbeat?.peer?.alive === false) {
    const age = heartbeat.peer.heardAgeMs;
    const since = age === null ? "was never heard" : `was last heard ${describeDuration(age)} ago`;
    return verdict("attention", `${active.name} is active and alone: ${other.name} ${since}.`);
  }
  const reason = unreadiness(other);
  if (reason === null) return null;
  return verdict("attention", `${active.name} is active, but a take over is not sure: ${reason}.`);
}

function trafficVerdict(pair: PairView): PairVerdict | null {
  const services = trafficForwarder(pair)?.status.services ?? [];
  const down = services.filter((s) => s.colour === "red" && !s.onFallback).map((s) => s.label);
  if (down.length > 0) return verdict("alarm", `No server answers for ${listed(down)}.`);
  const fallback = services.filter((s) => s.onFallback).map((s) => s.label);
  const held = services.filter((service) => service.held).map((service) => service.label);
  if (held.length > 0) {
    const order = `lbpair release ${held.length === 1 ? held[0] : "SERVICE"}`;
    return verdict("attention", `${listed(held)} could return from the fallback: ${order}.`);
  }
  if (fallback.length > 0) {
    return verdict("attention", `The fallback server answers for ${listed(fallback)}.`);
  }
  return null;
}

const NAMES_SHOWN = 3;
const listed = (names: readonly string[]): string =>
  names.length <= NAMES_SHOWN
    ? names.join(", ")
    : `${names.slice(0, NAMES_SHOWN).join(", ")} and ${names.length - NAMES_SHOWN} more`;

function replicationVerdict(pair: PairView): PairVerdict | null {
  const replicator = statusOf(pair.here.replicator);
  if (replicator === null || pair.peer === null) return null;
  const { state, reason } = replicator.peer;
  if (state === "in-sync" || state === "pushing" || state === "unpaired") return null;
  return verdict("attention", `The configurations of the two nodes are ${state}: ${reason}`);
}

function deadDaemons(pair: PairView): PairVerdict | null {
  for (const node of pair.peer === null ? [pair.here] : [pair.here, pair.peer]) {
    for (const daemon of ["heartbeat", "forwarder", "replicator"] as const) {
      if (node.here && !node[daemon].ok) {
        return verdict("attention", `The ${daemon} of ${node.name} does not answer; see below.`);
      }
    }
  }
  return null;
}

/** What is wrong with the pair itself, though either node could carry the traffic. */
function pairVerdict(pair: PairView): PairVerdict | null {
  const nodes = pair.peer === null ? [pair.here] : [pair.here, pair.peer];
  for (const node of nodes) {
    const heartbeat = statusOf(node.heartbeat);
    if (heartbeat === null) continue;
    const { heldForMs } = heartbeat.flaps;
    if (heldForMs !== null) {
      const text = `Health has moved the role too often and may not for ${describeDuration(heldForMs)}; lbpair clear-flaps ends that.`;
      return verdict("attention", text);
    }
    const [fault] = heartbeat.faultReasons;
    if (fault !== undefined) return verdict("attention", `${node.name}: ${fault}.`);
    if (heartbeat.peer?.alive !== true) continue;
    const bad = heartbeat.paths.findIndex(
      ({ state }) => state === "silent" || state === "one-way" || state === "unbound",
    );
    if (bad < 0) continue;
    const way = heartbeat.paths[bad]?.state === "one-way" ? "carries one way only" : "is broken";
    const text = `Heartbeat path ${bad + 1} of ${node.name} ${way}; the nodes hear each other on another.`;
    return verdict("attention", text);
  }
  return null;
}

/** The gravest thing to know, in one sentence. */
export function judgePair(pair: PairView): PairVerdict {
  const active = activeNodes(pair);
  if (active.length > 1) {
    return verdict(
      "alarm",
      `Both nodes are active: ${active.map((node) => node.name).join(" and ")}.`,
    );
  }
  const [only] = active;
  if (only === undefined) return nobodyActive(pair);
  const found = [
    trafficVerdict(pair),
    aloneVerdict(pair, only),
    deadDaemons(pair),
    pairVerdict(pair),
    replicationVerdict(pair),
  ].filter((one) => one !== null);
  const gravest =
    found.find((one) => one.level === "alarm") ?? found.find((one) => one.level !== "good");
  if (gravest !== undefined) return gravest;
  if (found[0] !== undefined) return found[0];
  const other = only.here ? pair.peer : pair.here;
  return verdict(
    "good",
    `${only.name} is active and ${other?.name ?? "its peer"} is ready to take over.`,
  );
}

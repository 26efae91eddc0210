// sample-election.ts — the settings and words of a pair at default timings, for tests.
import type { Millis } from "@lbpair/common";
import { step } from "./election.js";
import type {
  ElectionEvent,
  ElectionSettings,
  ElectionState,
  PeerSaid,
  Step,
} from "./election-state.js";

/** Raw sockets do not work here. */
export const NOBODY_TO_ASK: ElectionEvent = {
  kind: "witness",
  view: { able: false, cut: 0, peerAnsweredAt: null, rounds: 0, stranger: null },
};

/** One step of a node on which no witness can be asked: it is told so as soon as it asks. */
export function stepBlind(
  state: ElectionState,
  event: ElectionEvent,
  now: Millis,
  settings: ElectionSettings,
): Step {
  const [asking, effects] = step(state, event, now, settings);
  if (!effects.some(({ kind }) => kind === "suspect")) return [asking, effects];
  const [next, more] = step(asking, NOBODY_TO_ASK, now, settings);
  return [next, [...effects.filter(({ kind }) => kind !== "suspect"), ...more]];
}

export const PRIMARY: ElectionSettings = {
  designation: "primary",
  paired: true,
  keepalive: 200,
  warntime: 500,
  deadtime: 1000,
  initdead: 31_000,
  lease: 800,
  loneLease: 30_000,
  autoFailback: false,
  healthDamping: 1000,
  pingDamping: 2900,
  flapLimit: 3,
  flapWindow: 600_000,
  flapHold: 1_800_000,
  whenIsolated: "wait",
  whenVipAnswers: "wait",
};
export const SECONDARY: ElectionSettings = { ...PRIMARY, designation: "secondary" };

export const PASSIVE_PEER: PeerSaid = {
  active: false,
  ready: true,
  yielding: false,
  requesting: false,
  forHealth: false,
  deaf: false,
  faults: 0,
  pingsLost: 0,
  leaseMs: 0,
  epoch: 0,
  highestEpoch: 0,
};
export const ACTIVE_PEER: PeerSaid = {
  ...PASSIVE_PEER,
  active: true,
  leaseMs: 800,
  epoch: 5,
  highestEpoch: 5,
};

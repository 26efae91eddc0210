// sample-election.ts — the settings and words of a pair at default timings, for tests.
import type { ElectionSettings, PeerSaid } from "./election-state.js";

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

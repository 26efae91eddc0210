// saying.ts — what the next adverts say, from what the daemon knows.
import type { RevisionId } from "@lbpair/common";
import { conditionOf, type ElectionState, yields } from "./core/election-state.js";
import type { Saying } from "./core/round.js";
import type { Settings } from "./settings.js";

/** On the wire a lease that never ends is the longest one. */
const LEASE_MS_UNLIMITED = 0xffff_ffff;

export function describeSaying(known: {
  readonly state: ElectionState;
  readonly settings: Pick<Settings, "revision" | "modes">;
  /** Infinity = it never ends. */
  readonly leaseMs: number;
  readonly verdicts: RevisionId;
  readonly wallMs: number;
  readonly latenessMs: number;
  readonly macs: readonly string[];
  readonly probing: boolean;
}): Saying {
  const { state, settings, leaseMs, verdicts, wallMs } = known;
  return {
    active: conditionOf(state) === "active",
    ready: state.ready,
    yielding: yields(state),
    requesting: state.request !== null,
    forHealth: state.handOver?.forHealth ?? state.request?.forHealth ?? false,
    probing: known.probing,
    faults: state.faults,
    pingsLost: state.pingsLost,
    latenessMs: known.latenessMs,
    macs: known.macs,
    leaseMs: Number.isFinite(leaseMs) ? Math.ceil(leaseMs) : LEASE_MS_UNLIMITED,
    epoch: state.epoch,
    highestEpoch: state.highestEpoch,
    verdicts,
    revision: { serial: settings.revision.serial, hash: settings.revision.hash },
    modes: settings.modes,
    wallMs,
  };
}

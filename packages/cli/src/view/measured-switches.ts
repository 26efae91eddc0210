// measured-switches.ts — what the last switch of each kind really took, to stand beside its worst case.
import { describeDuration, type Rule, type TimingRow } from "@lbpair/common";
import type { PairTransition } from "./transition-pairs.js";
import { rootRule, tellStory } from "./transition-story.js";

export interface MeasuredSwitch {
  readonly tookMs: number;
  /** Wall clock of the decision, milliseconds since 1970. */
  readonly atMs: number;
}
export type MeasuredSwitches = ReadonlyMap<TimingRow["event"], MeasuredSwitch>;

const EVENTS: Readonly<Partial<Record<Rule, TimingRow["event"]>>> = {
  silence: "node-failure",
  order: "planned",
  request: "planned",
  failback: "planned",
  stop: "planned",
  health: "health",
  lone: "lone-start",
};

/** The worst cases by the configuration in force, and what was measured, at one moment. */
export interface SwitchTimes {
  readonly timing: readonly TimingRow[];
  readonly measured: MeasuredSwitches;
  readonly nowMs: number;
}

/** Which row of the calculator a switch was; undefined = none. */
function eventOf(pair: PairTransition): TimingRow["event"] | undefined {
  if (pair.main.kind !== "claim") return undefined;
  const rule = rootRule(pair);
  const lived = pair.other?.rule === "lease-lost" || pair.other?.rule === "restarted";
  return rule === "silence" && lived ? "freeze" : EVENTS[rule];
}

/** Pairs come the latest first. */
export function measuredSwitches(pairs: readonly PairTransition[]): MeasuredSwitches {
  const found = new Map<TimingRow["event"], MeasuredSwitch>();
  for (const pair of pairs) {
    const event = eventOf(pair);
    const { switchingMs, totalMs } = tellStory(pair).phases;
    if (event === undefined || switchingMs === null || found.has(event)) continue;
    found.set(event, { tookMs: totalMs, atMs: pair.atMs });
  }
  return found;
}

const AGE_SHOWN_MS = 1000;

/** "1.03 s, 3 min ago"; a dash where nothing was measured. */
export function showMeasured(
  measured: MeasuredSwitches,
  row: Pick<TimingRow, "event">,
  nowMs: number,
): string {
  const one = measured.get(row.event);
  if (one === undefined) return "-";
  const took =
    one.tookMs < 1000 ? describeDuration(one.tookMs) : `${(one.tookMs / 1000).toFixed(2)} s`;
  const ageMs = nowMs - one.atMs;
  return ageMs < AGE_SHOWN_MS ? `${took}, just now` : `${took}, ${describeDuration(ageMs)} ago`;
}

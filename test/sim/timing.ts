// timing.ts — the settings that a simulated pair runs with, from fast to slow.
import type { ElectionSettings } from "@lbpair/heartbeat";
import type { Random } from "./random.js";

export interface Timing {
  readonly name: "fast" | "quick" | "usual" | "slow" | "sparse";
  readonly keepalive: number;
  readonly warntime: number;
  readonly deadtime: number;
  readonly lease: number;
}

const TIMINGS: Readonly<Record<Timing["name"], Timing>> = {
  fast: { name: "fast", keepalive: 20, warntime: 50, deadtime: 100, lease: 80 },
  quick: { name: "quick", keepalive: 100, warntime: 200, deadtime: 300, lease: 240 },
  usual: { name: "usual", keepalive: 200, warntime: 500, deadtime: 1000, lease: 800 },
  slow: { name: "slow", keepalive: 1000, warntime: 2500, deadtime: 5000, lease: 4000 },
  sparse: { name: "sparse", keepalive: 2000, warntime: 2600, deadtime: 5000, lease: 4100 },
};

/** Slow ones cost less time to simulate, and show the same order of events; each kind has its share. */
export function pickTiming(random: Random): Timing {
  const dice = random.next();
  if (dice < 0.001) return TIMINGS.fast;
  if (dice < 0.005) return TIMINGS.quick;
  if (dice < 0.035) return TIMINGS.usual;
  return dice < 0.4 ? TIMINGS.slow : TIMINGS.sparse;
}

export type PairSettings = readonly [ElectionSettings, ElectionSettings];

export function pairSettings(timing: Timing, random: Random): PairSettings {
  const loneLease = random.chance(0.3) ? 30_000 : Math.max(3 * timing.deadtime, 2000);
  const common = {
    paired: true,
    keepalive: timing.keepalive,
    warntime: timing.warntime,
    deadtime: timing.deadtime,
    lease: timing.lease,
    loneLease,
    initdead: loneLease + 1000,
    autoFailback: random.chance(0.2),
    flapLimit: 3,
    flapWindow: 600_000,
    flapHold: random.chance(0.5) ? 4 * timing.deadtime : 1_800_000,
    pingDamping: 3 * timing.deadtime,
    healthDamping: random.chance(0.5) ? timing.deadtime : 3 * timing.deadtime,
    whenIsolated: random.chance(0.8) ? "wait" : "take-over",
    whenVipAnswers: random.chance(0.8) ? "wait" : "take-over",
  } as const;
  return [
    { ...common, designation: "primary" },
    { ...common, designation: "secondary" },
  ];
}

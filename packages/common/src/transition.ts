// transition.ts — what a node remembers of one change of its role: causes, decision, effects, consequences.
import type { Condition, Designation } from "./status.js";

/**
 * Which rule of the election decided. Stable names, shown by `lbpair why` and explained in
 * docs/failover.md; a node of another version may send one that is not in this list.
 */
export const RULES = [
  "started",
  "silence",
  "lone",
  "vacant",
  "yield",
  "request",
  "order",
  "failback",
  "health",
  "stop",
  "higher-epoch",
  "both-active",
  "unheard",
  "isolated",
  "lease-lost",
  "no-answer",
  "restarted",
  "rebooted",
] as const;
export type Rule = (typeof RULES)[number];

/**
 * claim: became active. hand-over: went quiet for the peer, and then passive (or back, see
 * `outcome`). stand-down: became passive without a hand-over.
 */
export type TransitionKind = "claim" | "hand-over" | "stand-down";

/** One path to the peer at the decision. */
export interface TransitionPath {
  readonly local: string;
  readonly peer: string;
  /** Age of the last advert heard there; null = none was. */
  readonly heardAgeMs: number | null;
  /** Adverts that had been due there since, by the keepalive. */
  readonly missed: number;
  readonly rttMs: number | null;
  readonly lossPercent: number | null;
}

/** Something that happened around the decision. */
export interface TransitionMark {
  /** Milliseconds after the decision; negative = before it. */
  readonly atMs: number;
  /** Stable name, e.g. `suspect`, `stall`, `order`, `peer-claim`, `neighbour`, `first-packet`. */
  readonly what: string;
  /** One clause. */
  readonly text: string;
}

/** One effect of the decision, as it was performed. */
export interface TransitionEffect {
  /** The effect's kind: `grant-lease`, `raise`, `announce`, … */
  readonly what: string;
  /** When its turn came, milliseconds after the decision. */
  readonly atMs: number;
  /** null = not done yet when this was written. */
  readonly tookMs: number | null;
  readonly error?: string;
}

/** How the two nodes stood when it was decided. */
export interface TransitionSituation {
  readonly ready: boolean;
  readonly faults: number;
  /** Worst lateness of this daemon's own beats, of late, and the last percentile of them. */
  readonly lateMaxMs: number;
  readonly lateP99Ms: number;
  /** null = nothing was ever heard of it. */
  readonly peer: {
    readonly active: boolean;
    readonly ready: boolean;
    readonly faults: number;
    readonly epoch: string;
    /** How long its kernel would have answered after its last word. */
    readonly leaseMs: number;
    readonly latenessMs: number | null;
  } | null;
  /** The settings that the decision went by. */
  readonly timings: Readonly<
    Record<"keepaliveMs" | "warntimeMs" | "deadtimeMs" | "leaseMs", number>
  >;
  /** How many floating IPs there were to raise or lower. */
  readonly floatingIps: number;
}

export interface TransitionRecord {
  /** Rises by one for each record of a node. */
  readonly seq: number;
  readonly node: string;
  readonly designation: Designation;
  readonly peerName: string | null;
  readonly kind: TransitionKind;
  readonly rule: Rule;
  /** One sentence. */
  readonly because: string;
  /** Wall clock of the decision, ISO 8601 in UTC; for people. */
  readonly at: string;
  readonly from: Condition;
  readonly to: Condition;
  /** A hand-over that the peer did not answer was rolled back; pending = not over when it was written. */
  readonly outcome: "done" | "rolled-back" | "pending";
  /** The claim that was made, or that was given up. */
  readonly epoch: string;
  /** The claim of the other node that this one took the place of, or that took this one's; null = none known. */
  readonly otherEpoch: string | null;
  /** When that which led to it began (last word of the peer, order, trouble), ms after the decision: negative. */
  readonly beganMs: number;
  /** The peer's wall clock less this node's, and how sure that is; null = not known. */
  readonly clock: { readonly offsetMs: number; readonly uncertainMs: number } | null;
  readonly situation: TransitionSituation;
  readonly paths: readonly TransitionPath[];
  /** Rounds of adverts sent in this suspicion to provoke an answer, and earlier suspicions that were answered. */
  readonly probes: { readonly sent: number; readonly answeredBefore: number };
  /** In order of time. */
  readonly marks: readonly TransitionMark[];
  /** In order of performance. */
  readonly effects: readonly TransitionEffect[];
}

/** Records that one question may ask for. */
export const TRANSITIONS_ASKED_MAX = 100;

/** heartbeat `GET /transitions?limit=N`: the latest first. */
export interface TransitionsAnswer {
  readonly node: string;
  /** Wall clock of the answer, for the other node to compare with its own. */
  readonly at: string;
  /** The peer's wall clock less this node's, now; null = not known. */
  readonly clock: TransitionRecord["clock"];
  readonly transitions: readonly TransitionRecord[];
}

export const isTransition = (value: unknown): value is TransitionRecord => {
  if (typeof value !== "object" || value === null) return false;
  const it = value as Partial<Record<keyof TransitionRecord, unknown>>;
  return (
    Number.isSafeInteger(it.seq) &&
    ["node", "kind", "rule", "because", "at", "epoch"].every(
      (key) => typeof it[key as keyof TransitionRecord] === "string",
    ) &&
    !Number.isNaN(Date.parse(String(it.at))) &&
    typeof it.beganMs === "number" &&
    ["marks", "effects", "paths"].every((key) =>
      Array.isArray(it[key as keyof TransitionRecord]),
    ) &&
    typeof it.situation === "object" &&
    it.situation !== null &&
    typeof it.probes === "object" &&
    it.probes !== null
  );
};

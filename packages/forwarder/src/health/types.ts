// types.ts — the words of health checking: what is checked, what a check said, what follows.
import type {
  CheckConfig,
  CheckTrial,
  Condition,
  Health,
  Millis,
  PortRange,
  PortsSeen,
  Verdicts,
} from "@lbpair/common";

import type { ResultRun } from "./result-runs.js";

export interface CheckTarget {
  /** `service/server`. */
  readonly id: string;
  readonly service: string;
  readonly server: string;
  readonly vip: string;
  readonly vports: readonly PortRange[];
  readonly address: string;
  /** Port on the server; 0 or absent = the port the client used. */
  readonly port?: number | undefined;
  readonly check: CheckConfig;
  readonly protocol: "tcp" | "udp" | "both";
}

/** What one check found. */
export interface CheckResult {
  readonly passed: boolean;
  /** One line for people. */
  readonly reason: string;
  /** The check's time ran out, which after a stall of ours says nothing about the server. */
  readonly timedOut?: boolean;
  /** Each port for itself, where the check asks several. */
  readonly ports?: PortsSeen;
  /** This node could not even ask, which says nothing about the server. */
  readonly notAsked?: boolean;
}

/** What this node's own checks say of one server. Points in time are on the daemon's clock. */
export interface ServerVerdict {
  readonly id: string;
  readonly health: Health;
  readonly reason: string;
  /** When the verdict last changed; negative where that was before this process; null = never. */
  readonly since: Millis | null;
  readonly checkedAt: Millis | null;
  /** Consecutive results against the present verdict. */
  readonly count: number;
  /** How many of them turn it; 0 where nothing is checked. */
  readonly countNeeded: number;
  /** What the last check found of each port, where it tells. */
  readonly ports?: PortsSeen | undefined;
}

export type VerdictSource = "own" | "active" | "memory";

/** The verdicts the maps follow, and whose they are. */
export type FollowedVerdicts = Verdicts & { readonly source: VerdictSource };

export interface HealthEngine {
  /** Reads the memory and begins to check. */
  start(): void;
  /** The servers to check from now on; a known one keeps its verdict, count and timetable. */
  update(targets: readonly CheckTarget[]): void;
  own(): ReadonlyMap<string, ServerVerdict>;
  followed(): FollowedVerdicts;
  setCondition(condition: Condition, peerAlive: boolean): void;
  followActive(verdicts: Verdicts): void;
  /** Called after `followed()` or the health of an own verdict changed. */
  onChange(listener: () => void): void;
  /** Runs the checks of these servers once, beside the timetable; an unknown id is left out. */
  tryOut(ids: readonly string[], signal: AbortSignal): Promise<CheckTrial[]>;
  /** Every server that is checked. */
  targets(): readonly CheckTarget[];
  /** What its checks found in the last day; `now` is wall time in milliseconds. */
  results(id: string, now: number): readonly ResultRun[];
  /** Ends every check, leaves no process behind and writes the memory. */
  stop(): Promise<void>;
}

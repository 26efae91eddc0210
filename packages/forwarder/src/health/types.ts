// types.ts — the words of health checking: what is checked, what a check said, what follows.
import type { Condition, Health, Millis, PortRange, Verdicts } from "@lbpair/common";

/** How a server is checked; the shape `services.yaml` has after parsing. Times in milliseconds. */
export interface CheckConfig {
  readonly type: "external" | "connect" | "ping" | "http" | "on" | "off";
  /** Start to start. */
  readonly interval: Millis;
  /** Shorter than `interval`. */
  readonly timeout: Millis;
  /** Consecutive failures that make a healthy server unhealthy. */
  readonly failures: number;
  /** Consecutive passes that make an unhealthy server healthy. */
  readonly successes: number;
  /** external: name of a file in the scripts' folder. */
  readonly script?: string | undefined;
  /** http: path requested; "/" when absent. */
  readonly path?: string | undefined;
  /** http: the status expected; 200 when absent. */
  readonly status?: number | undefined;
  /** http: text the body must contain. */
  readonly text?: string | undefined;
  /** http: port asked; the server's, else the service's first port when absent. */
  readonly port?: number | undefined;
  /** http: whether to speak TLS; certificates are not verified, health is not identity. */
  readonly tls?: boolean | undefined;
}

export interface CheckTarget {
  /** `service/server`. */
  readonly id: string;
  readonly service: string;
  readonly server: string;
  readonly vip: string;
  readonly vports: readonly PortRange[];
  readonly address: string;
  /** Port on the server; absent = the port the client used. */
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
  /** Ends every check, leaves no process behind and writes the memory. */
  stop(): Promise<void>;
}

// status.ts — what the daemons say of themselves over their control sockets: the API's shapes.
import type { Problem } from "./problems.js";
import type { ServiceStatus } from "./service-status.js";

/** Which box it is: configured, never changes by itself. */
export type Designation = "primary" | "secondary";
/** What it is doing: elected. */
export type Condition = "active" | "passive";
/** The operator's mode of a real server. */
export type ServerMode = "online" | "drain" | "halt";
/** What the checks found. */
export type Health = "healthy" | "unhealthy" | "unknown";
/** Colours of requirement H6. */
export type ServiceColour = "green" | "yellow" | "red" | "blue" | "grey";

/** Identity of a configuration: serial and hash of its content (first 16 hex digits of SHA-256). */
export interface RevisionId {
  readonly serial: number;
  readonly hash: string;
}

/** Verdicts of a node's checks: every server that is not healthy, by id `service/server`. */
export interface Verdicts {
  readonly serial: number;
  readonly hash: string;
  readonly unhealthy: readonly string[];
  readonly unknown: readonly string[];
}

export interface SysctlStatus {
  readonly key: string;
  readonly want: string;
  readonly got: string | null;
  readonly ok: boolean;
}

/** The kernel's table of connections, of all programs on this node. */
export interface ConnectionTableStatus {
  readonly entries: number;
  readonly max: number;
  /** Packets dropped for want of room since the node booted. */
  readonly dropped: number;
  /** Entries that had to go for others. */
  readonly droppedEarly: number;
}

export interface ForwarderStatus {
  readonly daemon: "forwarder";
  readonly version: string;
  readonly pid: number;
  readonly upMs: number;
  readonly revision: RevisionId | null;
  readonly ready: boolean;
  readonly readyReason: string;
  readonly condition: Condition;
  readonly verdicts: Verdicts & { readonly source: "own" | "active" | "memory" };
  /** Own results that differ from the verdicts followed: `service/server`. */
  readonly disagreements: readonly string[];
  readonly services: readonly ServiceStatus[];
  readonly table: {
    readonly present: boolean;
    readonly repairs: number;
    readonly lastRepairMs: number | null;
  };
  /** Packets since the table was loaded, as the kernel counts them. */
  readonly refused: {
    /** To a floating IP, but to no service. */
    readonly toFloatingIps: number;
    /** Between the arms, and nothing permits them. */
    readonly betweenArms: number;
    /** SYNs to a server that is about to reach its maximum of connections. */
    readonly overLimit: number;
  };
  readonly sysctls: readonly SysctlStatus[];
  /** null = there is no such table. */
  readonly connectionTable: ConnectionTableStatus | null;
  readonly problems: readonly Problem[];
}

export interface PathStatus {
  readonly local: string;
  readonly peer: string;
  /** silent: nothing comes in. one-way: it does, but the peer hears nothing of us. unbound: no such address here. */
  readonly state: "hearing" | "late" | "silent" | "one-way" | "unbound";
  readonly heardAgeMs: number | null;
  /** Whether the peer says that it hears us on this path; null = it never said. */
  readonly heardByPeer: boolean | null;
  /** Share of the peer's adverts that did not come on this path lately; null = too few to say. */
  readonly lossPercent: number | null;
  /** The same of our adverts, as the peer says; null = it does not. */
  readonly peerLossPercent: number | null;
  /** Round trip on this path, smoothed; null = not measured yet. */
  readonly rttMs: number | null;
  /** The shortest of the last minute or two. */
  readonly rttMinMs: number | null;
  readonly sent: number;
  readonly received: number;
  /** Datagrams dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

export interface FloatingIpStatus {
  readonly address: string;
  readonly label: string;
  readonly link: string | null;
  readonly held: boolean;
}

export interface PingNodeStatus {
  readonly address: string;
  /** null = not asked yet. */
  readonly answers: boolean | null;
  readonly answeredAgeMs: number | null;
}

/** A network that carries floating IPs, as a witness of the peer's life. */
export interface WitnessNetworkStatus {
  readonly link: string;
  readonly carrier: boolean;
  /** Milliseconds since a neighbour other than the peer was heard there; null = never, or not listening. */
  readonly neighbourAgeMs: number | null;
  /** Who answers for a floating IP there, found while the peer was silent. */
  readonly answeredBy: "peer" | "stranger" | "nobody" | null;
}

/** A neighbour that must know where a floating IP is. */
export interface NeighbourStatus {
  readonly floatingIp: string;
  readonly neighbour: string;
  readonly link: string;
  /** learnt: it answered to the floating IP's present owner. silent: it answers nobody. */
  readonly state: "learnt" | "pending" | "silent";
  /** From the take over to the confirmation. */
  readonly afterMs: number | null;
}

export interface HeartbeatStatus {
  readonly daemon: "heartbeat";
  readonly version: string;
  readonly pid: number;
  readonly upMs: number;
  readonly node: string;
  readonly designation: Designation;
  readonly condition: Condition;
  /** Finer than the condition: starting, passive, active, handing-over, stopping. */
  readonly phase: string;
  readonly sinceMs: number;
  /** Why the condition is what it is, one sentence. */
  readonly because: string;
  readonly epoch: string;
  readonly forwarderReady: boolean;
  readonly peer: {
    readonly name: string;
    readonly designation: Designation;
    readonly alive: boolean;
    readonly condition: Condition | null;
    readonly heardAgeMs: number | null;
    readonly ready: boolean | null;
    readonly revision: RevisionId | null;
    readonly faults: number | null;
    /** Its own lateness, as it says; null = it does not. */
    readonly latenessMs: number | null;
    /** Its wall clock less ours, for people; null = not known. */
    readonly clockOffsetMs: number | null;
    /** Version of the wire format it speaks; null = not heard yet. */
    readonly wireVersion: number | null;
  } | null;
  /** Things wrong with this node's health; 0 is best. */
  readonly faults: number;
  /** The same in words, one for each. */
  readonly faultReasons: readonly string[];
  readonly pingNodes: readonly PingNodeStatus[];
  /** Moves of the role by health: how many count now, and for how long health may not move it. */
  readonly flaps: {
    readonly moves: number;
    readonly limit: number;
    readonly heldForMs: number | null;
  };
  readonly witness: readonly WitnessNetworkStatus[];
  readonly neighbours: readonly NeighbourStatus[];
  /** Whether the daemon runs under real-time scheduling; `reason` says why not. */
  readonly realtime: { readonly granted: boolean; readonly reason: string };
  readonly paths: readonly PathStatus[];
  readonly floatingIps: readonly FloatingIpStatus[];
  readonly lease: { readonly kind: "none" | "short" | "long"; readonly remainingMs: number | null };
  readonly timings: Readonly<
    Record<
      "keepaliveMs" | "warntimeMs" | "deadtimeMs" | "initdeadMs" | "leaseMs" | "loneLeaseMs",
      number
    >
  >;
  readonly lateness: { readonly maxMs: number; readonly p99Ms: number };
  readonly problems: readonly Problem[];
}

export type ReplicationState =
  | "unpaired"
  | "in-sync"
  | "pending"
  | "pushing"
  | "refused"
  | "unreachable"
  | "drifted";

export interface ReplicatorStatus {
  readonly daemon: "replicator";
  readonly version: string;
  readonly pid: number;
  readonly upMs: number;
  readonly node: string;
  readonly designation: Designation;
  /** What is in force here. */
  readonly revision: RevisionId | null;
  readonly modes: RevisionId;
  /** Whether the saved files differ from what is in force. */
  readonly candidate: { readonly differs: boolean; readonly problems: readonly Problem[] };
  readonly peer: {
    readonly state: ReplicationState;
    readonly reason: string;
    readonly revision: RevisionId | null;
    readonly modes: RevisionId | null;
    readonly lastSuccessAgeMs: number | null;
    readonly nextAttemptInMs: number | null;
    readonly failures: number;
  };
}

/** One line of what happened, kept in a bounded file and streamed to followers. */
export interface EventRecord {
  readonly seq: number;
  /** Wall time, ISO 8601 in UTC with milliseconds; for people, never for decisions. */
  readonly at: string;
  readonly node: string;
  readonly daemon: "forwarder" | "heartbeat" | "replicator";
  readonly level: "info" | "warn" | "alarm";
  /** Stable name, e.g. `became-active`. */
  readonly event: string;
  /** One sentence. */
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What a control socket answers where a request could not be done. */
export interface Refusal {
  readonly error: string;
  readonly problems?: readonly Problem[];
}

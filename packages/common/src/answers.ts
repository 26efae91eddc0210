// answers.ts — what the daemons answer to orders over their control sockets: the API's shapes.
import type { Problem } from "./problems.js";
import type { Condition, ReplicationState, RevisionId, ServerMode } from "./status.js";

/** heartbeat `POST /make-active`. */
export interface MakeActiveAnswer {
  readonly done: boolean;
  readonly message: string;
  readonly tookMs: number;
}

/** heartbeat `POST /clear-flaps`: what was forgotten. */
export interface ClearFlapsAnswer {
  readonly moves: number;
  /** How long health would still have been held back; null = it was not. */
  readonly heldForMs: number | null;
}

/** How a check's script is run, and the beginning of what it printed. */
export interface CheckTrace {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly output: string;
}

/** One port of a server, tried for itself. */
export interface PortTrial {
  readonly port: number;
  readonly accepts: boolean;
  /** `refused`, `no answer`; null where it accepts. */
  readonly what: string | null;
  readonly tookMs: number;
}

/** forwarder `POST /health-check`: one for each server asked; nothing of it counts. */
export interface CheckTrial {
  /** `service/server`. */
  readonly id: string;
  /** The check's type. */
  readonly type: string;
  readonly passed: boolean;
  readonly reason: string;
  readonly tookMs: number;
  /** Where a script is run. */
  readonly trace: CheckTrace | null;
  /** Of a tcp service, each port the server has to serve. */
  readonly ports: readonly PortTrial[];
}

/** How often a server is checked, and how many results turn its verdict. */
export interface Rhythm {
  readonly interval: number;
  /** While the last check failed; null = the interval. */
  readonly failingInterval: number | null;
  readonly failures: number;
  readonly successes: number;
}

/** One time that a server would have been unhealthy; wall time in milliseconds. */
export interface Episode {
  readonly from: number;
  /** null = it still would be. */
  readonly to: number | null;
  /** From the first failed check to the verdict. */
  readonly noticedMs: number;
}

/** What one rhythm makes of recorded results. */
export interface Replay {
  readonly rhythm: Rhythm;
  readonly checks: number;
  readonly times: number;
  readonly unhealthyMs: number;
  readonly noticedMsMax: number;
  /** The latest of them. */
  readonly episodes: readonly Episode[];
}

/** forwarder `POST /what-if`: one for each server asked. */
export interface WhatIfAnswer {
  readonly id: string;
  /** Wall time in milliseconds; null where nothing is recorded. */
  readonly recordedFrom: number | null;
  readonly results: number;
  readonly failed: number;
  /** With the check as it is configured. */
  readonly present: Replay;
  readonly proposed: Replay;
}

/** One thing done on the way, in order. */
export interface StepAnswer {
  readonly where: "here" | "peer";
  readonly what: string;
  readonly tookMs: number;
}

/** How the peer stands after an order that concerns both nodes. */
export interface PeerAnswer {
  readonly state: ReplicationState;
  /** One sentence. */
  readonly reason: string;
}

/** replicator `POST /apply`. */
export interface ApplyAnswer {
  readonly revision: RevisionId;
  /** False where the candidate was already in force. */
  readonly changed: boolean;
  readonly peer: PeerAnswer;
  readonly steps: readonly StepAnswer[];
}

/** One difference between two configurations. */
export interface ChangeAnswer {
  /** Dotted place, labels instead of indices: `virtualServices.VNA.ports`. */
  readonly path: string;
  readonly kind: "add" | "remove" | "change";
  /** As a person would write it; null where there is none. */
  readonly was: string | null;
  readonly becomes: string | null;
}

/** replicator `POST /plan`. */
export interface PlanAnswer {
  readonly revision: RevisionId | null;
  /** Against what is in force on this node. */
  readonly changes: readonly ChangeAnswer[];
  readonly peer: PeerAnswer & {
    /** Against what is in force on the peer; null where it could not be asked. */
    readonly changes: readonly ChangeAnswer[] | null;
  };
  /** Warnings; a candidate with errors is answered with a `Refusal`. */
  readonly problems: readonly Problem[];
}

/** One server after an order that concerns its mode. */
export interface ModeChangeAnswer {
  readonly service: string;
  readonly server: string;
  readonly was: ServerMode;
  readonly mode: ServerMode;
  /** When it is online again by itself, in UTC; null = only by another order. */
  readonly until: string | null;
}

/** forwarder `POST /plan`: what the candidate would change in this node's kernel; nothing is changed. */
export interface ElementPlanAnswer {
  /** Elements touched; a changed value is one. */
  readonly elements: number;
  readonly sets: readonly {
    readonly set: string;
    readonly removed: number;
    readonly added: number;
  }[];
  /** The first of them as nftables writes them, each behind `-` or `+` and its set. */
  readonly lines: readonly string[];
}

/** replicator `POST /mode`: every server of the order, in its order. */
export interface ModeAnswer {
  readonly changes: readonly ModeChangeAnswer[];
  readonly peer: PeerAnswer;
}

/** One open connection. */
export interface ConnectionAnswer {
  readonly service: string;
  /** null = its server is no longer configured. */
  readonly server: string | null;
  readonly protocol: "tcp" | "udp";
  readonly client: string;
  readonly clientPort: number;
  readonly vipPort: number;
  /** The server's. */
  readonly address: string;
  readonly serverPort: number;
  /** TCP's; "" for UDP. */
  readonly state: string;
  /** Seconds of silence after which the kernel forgets it. */
  readonly secondsLeft: number;
}

/** forwarder `POST /connections`. */
export interface ConnectionsAnswer {
  readonly condition: Condition;
  /** All that fit, also those that are not told. */
  readonly total: number;
  readonly servers: readonly { readonly id: string; readonly open: number }[];
  /** Those with the most. */
  readonly clients: readonly { readonly address: string; readonly open: number }[];
  readonly connections: readonly ConnectionAnswer[];
}

/** forwarder `POST /open`: open connections by server id. */
export interface OpenAnswer {
  readonly condition: Condition;
  readonly open: Readonly<Record<string, number>>;
}

/** replicator `POST /sync`. */
export interface SyncAnswer {
  readonly dryRun: boolean;
  readonly differences: readonly ChangeAnswer[];
  /** Whether anything was repaired. */
  readonly repaired: boolean;
  readonly peer: PeerAnswer;
}

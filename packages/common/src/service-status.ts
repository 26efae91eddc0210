// service-status.ts — what the forwarder says of virtual services and their servers: the API's shapes.
import type { Health, ServerMode, ServiceColour } from "./status.js";

/** What a check of several ports found last. */
export interface PortsSeen {
  readonly total: number;
  /** Those that do not accept, and why; the first of many. */
  readonly closed: readonly { readonly port: number; readonly what: string }[];
}

/** What an operator said with a server's mode. */
export interface OperatorWord {
  readonly by: string | null;
  readonly reason: string | null;
  readonly sinceAgeMs: number | null;
  /** Until the server is online again by itself; null = only by an order. */
  readonly endsInMs: number | null;
  /** Of a drain: whether a halt follows once no connection is open. */
  readonly haltWhenEmpty: boolean;
  /** Of a drain: until the halt that follows at the latest; null = none does. */
  readonly haltInMs: number | null;
  /** Of a drain: the most connections seen open since; what is left of them is open still. */
  readonly openAtFirst: number | null;
}

export interface ServerStatus {
  /** `service/server`; fallback servers are `service/fallback`, `service/fallback-2` …, `service/fallback-page`. */
  readonly id: string;
  readonly label: string;
  readonly role: "real" | "fallback";
  readonly address: string;
  /** The node's own page. */
  readonly builtIn?: true;
  /** Port on the server; null = the port the client used. */
  readonly port: number | null;
  readonly weight: number;
  readonly mode: ServerMode;
  /** Absent where it is online. */
  readonly operator?: OperatorWord;
  readonly health: Health;
  /** Each port for itself; absent where the check does not tell. */
  readonly ports?: PortsSeen;
  /** First line a check said, or why the verdict is what it is. */
  readonly reason: string;
  /** Milliseconds since the verdict last changed; null = never judged. */
  readonly healthAgeMs: number | null;
  readonly checkedAgeMs: number | null;
  /** Consecutive results against the present verdict, and how many turn it. */
  readonly count: number;
  readonly countNeeded: number;
  /** Whether new connections reach it now. */
  readonly serving: boolean;
  /** TCP connections at which it gets no new one; null = no limit. */
  readonly maxConnections: number | null;
  /** Whether it gets none now because it reached its maximum and is not back at its minimum. */
  readonly full: boolean;
  readonly openConnections: number;
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

export interface ServiceStatus {
  readonly label: string;
  readonly address: string;
  readonly ports: string;
  readonly protocol: "tcp" | "udp" | "both";
  readonly method: "nat";
  readonly scheduler: string;
  readonly colour: ServiceColour;
  readonly onFallback: boolean;
  /** Whether real servers could answer, and an operator's release is waited for. */
  readonly held: boolean;
  /** Since when, and why it went to its fallback; null where it is not held. */
  readonly hold: { readonly sinceAgeMs: number | null; readonly reason: string | null } | null;
  readonly servers: readonly ServerStatus[];
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
  readonly coverage: {
    /** Whether the configuration lets a failover be survived with no table sync. */
    readonly byRule: boolean;
    readonly reason: string;
    readonly open: number;
    /** Of `open`, those whose server is the one the maps name now. */
    readonly covered: number;
  };
}

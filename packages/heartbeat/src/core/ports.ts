// ports.ts — what the heart asks of its machine: the daemon's kernel and sockets, or the simulation's.
import type { Millis, Verdicts } from "@lbpair/common";
import type { Effect, QueuedEffect } from "./effects.js";
import type { ElectionEvent, ElectionState } from "./election-state.js";

/** A lease in milliseconds; "unlimited" where no peer could take over. */
export type HeldLength = number | "unlimited";

/** held: goes on. lapsed: it had ended. restored: its table had been removed and is back. */
export type Kept = "held" | "lapsed" | "restored" | { readonly failed: string };

/** The kernel's lease, as the heart needs it. */
export interface HeartLease {
  readonly held: boolean;
  readonly length: HeldLength | null;
  /** Whether it has ended by this node's own reckoning. */
  lapsed(now: Millis): boolean;
  /** Makes it end `length` from now; never revives one that has ended. */
  refresh(length: HeldLength, done: (kept: Kept) => void): void;
  /** Milliseconds that the kernel may go on answering, by all that it has not acknowledged. */
  mayAnswerMs(now: Millis): number;
  /** Ends it at once; a failure is told when the effect comes to its turn. */
  revokeAtOnce(): void;
}

/** What happened and what it led to, for people who ask why. */
export interface Stepped {
  readonly event: ElectionEvent;
  readonly before: ElectionState;
  readonly after: ElectionState;
  readonly effects: readonly Effect[];
  readonly now: Millis;
}

export interface HeartPorts {
  readonly lease: HeartLease;
  now(): Millis;
  /** Milliseconds the machine has been suspended since it booted; undefined where it cannot tell now. */
  suspendedMs(): number | undefined;
  /** Hands over, by `received`, what the kernel has queued; then calls back. */
  drain(done: () => void): void;
  /** Performs effects in order, behind those that still wait. */
  perform(effects: readonly QueuedEffect[]): void;
  /** One round of adverts on every path, now. */
  say(probing: boolean): void;
  /** Asks for a call of `deadline` at that moment; replaces the moment asked for before. */
  wakeAt(at: number | undefined): void;
  /** Announcements end at once. */
  stopAnnouncing(): void;
  /** The floating IPs' networks are asked from now on; answers come by `witnessed`. */
  suspect(): void;
  trust(): void;
  /** Tells the forwarder what this node is; called again each second. */
  tellCondition(): void;
  /** Once a second: addresses live on. */
  upkeep(): void;
  /** The links are read anew; the answer comes by `local`. */
  lookAtLinks(): void;
  /** The active's verdicts, for the forwarder of a passive node. */
  follow(verdicts: Verdicts): void;
  /** The peer says which verdicts it follows; it may need others. */
  offerVerdicts(followed: { readonly serial: number; readonly hash: string }): void;
  record(level: "info" | "warn" | "alarm", event: string, text: string): void;
  /** Called after each step of the election. */
  stepped(step: Stepped): void;
}

// effects.ts — what the election asks to be done, in order; performed in perform.ts.
import type { EventRecord } from "@lbpair/common";

export type Effect =
  /** Let the kernel answer ARP for the floating IPs, for the lease's length. */
  | { readonly kind: "grant-lease" }
  /** Make an existing lease as long as it should be now. */
  | { readonly kind: "refresh-lease" }
  | { readonly kind: "revoke-lease" }
  /** Bring up every floating IP, in one batch. */
  | { readonly kind: "raise" }
  | { readonly kind: "lower" }
  /** Begin a burst of announcements to the neighbours. */
  | { readonly kind: "announce" }
  | { readonly kind: "stop-announcing" }
  | { readonly kind: "send-adverts" }
  /** Ask the peer, on every path, for an answer at once. */
  | { readonly kind: "probe" }
  /** The peer is late: ask the witnesses from now on, until it is heard or taken over from. */
  | { readonly kind: "suspect" }
  | { readonly kind: "trust" }
  /** Write epoch and condition to disk; nothing waits for it. */
  | { readonly kind: "remember" }
  /** Tell the forwarder what this node is. */
  | { readonly kind: "tell-condition" }
  | {
      readonly kind: "record";
      readonly level: EventRecord["level"];
      readonly event: string;
      readonly text: string;
      readonly facts: Readonly<Record<string, unknown>>;
    }
  /** Answer to the operator who waits for an order. */
  | { readonly kind: "reply"; readonly done: boolean; readonly message: string }
  | { readonly kind: "exit" };

/** Effects performed in order; the others touch neither kernel nor disk and are done at once. */
export type QueuedEffect = Exclude<Effect, { readonly kind: "probe" | "suspect" | "trust" }>;

// replication.ts — how the peer's configuration stands to ours, and when to try again.
//
//   event        →  state after                      next attempt
//   unpaired        unpaired                         never
//   changed         pending                          now
//   attempt         pushing, or as it was            —
//   compared same   in-sync                          after COMPARE_INTERVAL_MS
//   compared behind pending                          now where it is ours to push, else the interval
//   compared drift  drifted                          after COMPARE_INTERVAL_MS (looks, never repairs)
//   refused         refused                          after BACKOFF_MS_MAX: a refusal does not mend itself
//   unreachable     unreachable                      1 s, 2 s, 4 s … 60 s
//   awake           as it was                        now (the peer greeted us, or a schedule is due)
import type { Millis, ReplicationState, RevisionId } from "@lbpair/common";

export const BACKOFF_MS_MIN = 1000;
export const BACKOFF_MS_MAX = 60_000;
/** How often a peer in sync is asked whether it still is. */
export const COMPARE_INTERVAL_MS = 30_000;

export interface PeerRevisions {
  readonly revision: RevisionId | null;
  readonly modes: RevisionId;
}

export interface Replication {
  readonly state: ReplicationState;
  /** One sentence. */
  readonly reason: string;
  readonly peer: PeerRevisions | null;
  /** Consecutive attempts that did not reach the peer, or were refused. */
  readonly failures: number;
  readonly attemptAt: Millis | null;
  readonly attempting: boolean;
  readonly lastSuccessAt: Millis | null;
}

export type ReplicationEvent =
  | { readonly kind: "paired" }
  | { readonly kind: "unpaired" }
  | { readonly kind: "changed"; readonly reason: string }
  | { readonly kind: "attempt" }
  | {
      readonly kind: "compared";
      readonly verdict: "same" | "push" | "wait" | "drifted";
      readonly reason: string;
      readonly peer: PeerRevisions;
    }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unreachable"; readonly reason: string }
  | { readonly kind: "awake" };

export const UNPAIRED: Replication = {
  state: "unpaired",
  reason: "no peer is configured",
  peer: null,
  failures: 0,
  attemptAt: null,
  attempting: false,
  lastSuccessAt: null,
};

/** Milliseconds until the next attempt after so many failures in a row: 1 s doubled, at most 60 s. */
export const backoffMs = (failures: number): number =>
  Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(Math.max(failures - 1, 0), 16));

const later = (now: Millis, milliseconds: number): Millis => (now + milliseconds) as Millis;

function compared(
  state: Replication,
  event: Extract<ReplicationEvent, { kind: "compared" }>,
  now: Millis,
): Replication {
  const { peer, reason, verdict } = event;
  const base = { ...state, peer, reason, failures: 0, attempting: false };
  const interval = later(now, COMPARE_INTERVAL_MS);
  switch (verdict) {
    case "same":
      return { ...base, state: "in-sync", attemptAt: interval, lastSuccessAt: now };
    case "push":
      return { ...base, state: "pending", attemptAt: now };
    case "wait":
      return { ...base, state: "pending", attemptAt: interval };
    case "drifted":
      return { ...base, state: "drifted", attemptAt: interval, lastSuccessAt: now };
    default:
      return verdict satisfies never;
  }
}

function failed(
  state: Replication,
  name: "refused" | "unreachable",
  reason: string,
  now: Millis,
): Replication {
  const failures = state.failures + 1;
  const wait = name === "refused" ? BACKOFF_MS_MAX : backoffMs(failures);
  const attemptAt = later(now, wait);
  return { ...state, state: name, reason, failures, attemptAt, attempting: false };
}

/** The next state. Starts nothing: see `attemptDue`. */
export function stepReplication(
  state: Replication,
  event: ReplicationEvent,
  now: Millis,
): Replication {
  if (event.kind === "unpaired") return UNPAIRED;
  if (event.kind === "paired") {
    if (state.state !== "unpaired") return { ...state, attemptAt: now };
    return { ...UNPAIRED, state: "pending", reason: "not compared yet", attemptAt: now };
  }
  if (state.state === "unpaired") return state;
  switch (event.kind) {
    case "changed":
      return { ...state, state: "pending", reason: event.reason, attemptAt: now };
    case "attempt": {
      const name = state.state === "pending" ? "pushing" : state.state;
      return { ...state, state: name, attempting: true, attemptAt: null };
    }
    case "compared":
      return compared(state, event, now);
    case "refused":
      return failed(state, "refused", event.reason, now);
    case "unreachable":
      return failed(state, "unreachable", event.reason, now);
    case "awake":
      return { ...state, attemptAt: now };
    default:
      return event satisfies never;
  }
}

/** Whether an attempt is to be made now; never two at once. */
export const attemptDue = (state: Replication, now: Millis): boolean =>
  !state.attempting && state.attemptAt !== null && now >= state.attemptAt;

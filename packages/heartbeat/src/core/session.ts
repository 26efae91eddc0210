// session.ts — which datagrams are signs of life: fresh ones of the peer's present run, each counted once.
//
// Each run of a daemon has a random session. A datagram counts only if it echoes the receiver's present
// session, so a recording of an older boot, or of another pair, fools nobody. One that does not is a
// hello: its session is echoed in the next adverts, and a living peer then echoes ours.
// A peer whose sequence stays behind (a reverted snapshot) is not ignored for ever: our session is
// renewed, which a living peer follows within two adverts and a recording cannot.
import type { Millis } from "@lbpair/common";
import { NO_SESSION } from "./advert.js";

/** Sequences behind the newest that are still told apart; older ones are replays. */
export const REPLAY_WINDOW = 64;
/** Replays in a row on all paths, with no fresh datagram between, that renew our session. */
export const REPLAYS_BEFORE_RENEWAL = 5;
/** Earlier runs of the peer that are remembered; more, and our own session is renewed. */
export const RETIRED_SESSIONS_MAX = 16;
/** Least time between two renewals. */
export const RENEWAL_MS_MIN = 1000;

interface Window {
  readonly newest: number;
  /** Bit n: newest - n was seen. */
  readonly seen: bigint;
}

export interface SessionState {
  readonly mine: string;
  /** Peer's accepted session. */
  readonly accepted: string;
  /** Peer's session of the last hello. */
  readonly candidate: string;
  /** Sessions of the peer's earlier runs that echoed ours: recordings of them count no more. */
  readonly retired: readonly string[];
  readonly windows: ReadonlyMap<string, Window>;
  readonly replays: number;
  readonly renewedAt: Millis;
}

export type Acceptance = "life" | "hello" | "replayed";

export interface SessionInput {
  readonly session: string;
  /** The echoes it carries; an advert has two, a verdicts part one. */
  readonly echoes: readonly string[];
  readonly sequence: number;
  /** What is counted apart: the path and the kind of datagram. */
  readonly stream: string;
}

export const startSession = (mine: string, now: Millis): SessionState => ({
  mine,
  accepted: NO_SESSION,
  candidate: NO_SESSION,
  retired: [],
  windows: new Map(),
  replays: 0,
  renewedAt: now,
});

const WINDOW_MASK = (1n << BigInt(REPLAY_WINDOW)) - 1n;

function slide(window: Window | undefined, sequence: number): Window | undefined {
  if (window === undefined) return { newest: sequence, seen: 1n };
  const ahead = sequence - window.newest;
  if (ahead > 0) {
    const seen = ahead >= REPLAY_WINDOW ? 1n : ((window.seen << BigInt(ahead)) | 1n) & WINDOW_MASK;
    return { newest: sequence, seen };
  }
  if (-ahead >= REPLAY_WINDOW) return undefined;
  const bit = 1n << BigInt(-ahead);
  return (window.seen & bit) !== 0n ? undefined : { ...window, seen: window.seen | bit };
}

/** Judges one authenticated datagram of the peer. */
export function accept(
  state: SessionState,
  input: SessionInput,
): readonly [SessionState, Acceptance] {
  if (!input.echoes.includes(state.mine)) {
    return [{ ...state, candidate: input.session }, "hello"];
  }
  if (state.retired.includes(input.session)) {
    return [{ ...state, replays: state.replays + 1 }, "replayed"];
  }
  const same = input.session === state.accepted;
  const known = same ? state.windows : new Map<string, Window>();
  const window = slide(known.get(input.stream), input.sequence);
  if (window === undefined) return [{ ...state, replays: state.replays + 1 }, "replayed"];
  const windows = new Map(known).set(input.stream, window);
  const accepted = input.session;
  const retired =
    same || state.accepted === NO_SESSION ? state.retired : [...state.retired, state.accepted];
  return [{ ...state, accepted, candidate: NO_SESSION, retired, windows, replays: 0 }, "life"];
}

/**
 * Whether our session must be renewed: the peer may be a reverted snapshot that only a new session
 * can bring back, or the list of its earlier runs is full.
 */
export const needsRenewal = (state: SessionState, now: Millis): boolean =>
  (state.replays >= REPLAYS_BEFORE_RENEWAL || state.retired.length > RETIRED_SESSIONS_MAX) &&
  now - state.renewedAt >= RENEWAL_MS_MIN;

/** A new session of ours: nothing recorded so far counts any more. */
export const renew = (state: SessionState, mine: string, now: Millis): SessionState => ({
  ...startSession(mine, now),
  candidate: state.accepted,
});

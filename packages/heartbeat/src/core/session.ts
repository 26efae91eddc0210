// session.ts — which datagrams are signs of life: fresh ones of the peer's present run, each counted once.
//
// Each run of a daemon has a random session. A datagram counts only if it echoes the receiver's present
// session, so a recording of an older boot, or of another pair, fools nobody. One that does not is a
// hello: its session is echoed in the next adverts, and a living peer then echoes ours.
// Beside an accepted run no other is believed for that: a recording of a run in between echoes our session
// too. It is challenged, and counts once it has echoed what was made after the accepted run was met.
// A peer whose sequence stays behind (a reverted snapshot) is not ignored for ever: our session is
// renewed, which a living peer follows within two adverts and a recording cannot.
import type { Millis } from "@lbpair/common";
import { NO_SESSION } from "./advert.js";

/** Sequences behind the newest that are still told apart; older ones are replays. */
export const REPLAY_WINDOW = 64;
/** Bits of a word of the window: what JavaScript shifts as a number. */
const WORD = 32;
/** Replays, or datagrams that come late, in a row on all paths, with no newer one between, that renew our session. */
export const REPLAYS_BEFORE_RENEWAL = 5;
/** Earlier runs of the peer that are remembered; more, and our own session is renewed. */
export const RETIRED_SESSIONS_MAX = 16;
/** Least time between two renewals. */
export const RENEWAL_MS_MIN = 1000;
/** A challenge is good for two deadtimes, and for this long at least: a daemon that starts answers late. */
export const CHALLENGE_MS_MIN = 1000;
/** The sequence of a challenge; rounds count from 1. A challenge is echoed, and never challenged itself. */
export const CHALLENGE_SEQUENCE = 0;

interface Window {
  readonly newest: number;
  /** Bit n: newest - n was seen; in two words, since big integers cost more than the rest of a datagram. */
  readonly recent: number;
  /** Bit n: newest - 32 - n was seen. */
  readonly older: number;
}

export interface SessionState {
  readonly mine: string;
  /** Peer's accepted session. */
  readonly accepted: string;
  /** Peer's session of the last hello. */
  readonly candidate: string;
  /** What a run beside the accepted one has to echo; made since the latter was met. */
  readonly challenge: string;
  readonly challengedAt: Millis;
  /** The peer's challenge to us, echoed until it is heard again. */
  readonly question: string;
  /** Sessions of the peer's earlier runs that echoed ours: recordings of them count no more. */
  readonly retired: readonly string[];
  /** By stream. */
  readonly windows: readonly (Window | undefined)[];
  readonly replays: number;
  readonly renewedAt: Millis;
}

export type Acceptance = "life" | "hello" | "replayed";

export interface SessionInput {
  readonly session: string;
  /** The echoes it carries; an advert has two, a verdicts part one. */
  readonly echoes: readonly string[];
  readonly sequence: number;
  /** What is counted apart, path and kind of datagram: a small number. */
  readonly stream: number;
}

export const startSession = (mine: string, now: Millis): SessionState => ({
  mine,
  accepted: NO_SESSION,
  candidate: NO_SESSION,
  challenge: NO_SESSION,
  challengedAt: now,
  question: NO_SESSION,
  retired: [],
  windows: [],
  replays: 0,
  renewedAt: now,
});

/** The window moved on by `ahead` sequences, 1 to 63; JavaScript shifts by less than 32. */
function moveOn({ recent, older }: Window, ahead: number): Pick<Window, "recent" | "older"> {
  if (ahead >= WORD) return { recent: 1, older: recent << (ahead - WORD) };
  return { recent: (recent << ahead) | 1, older: (older << ahead) | (recent >>> (WORD - ahead)) };
}

function slide(window: Window | undefined, sequence: number): Window | undefined {
  const ahead = window === undefined ? REPLAY_WINDOW : sequence - window.newest;
  if (window === undefined || ahead >= REPLAY_WINDOW) {
    return { newest: sequence, recent: 1, older: 0 };
  }
  const { newest, recent, older } = window;
  if (ahead > 0) return { newest: sequence, ...moveOn(window, ahead) };
  const behind = -ahead;
  if (behind >= REPLAY_WINDOW) return undefined;
  const bit = 1 << (behind % WORD);
  if (behind < WORD)
    return (recent & bit) === 0 ? { newest, recent: recent | bit, older } : undefined;
  return (older & bit) === 0 ? { newest, recent, older: older | bit } : undefined;
}

/** The state after a sign of life. */
function alive(state: SessionState, input: SessionInput, window: Window): SessionState {
  const { mine, renewedAt, accepted, challengedAt } = state;
  const same = input.session === accepted;
  const windows = same ? state.windows.slice() : [];
  windows[input.stream] = window;
  const retired = same || accepted === NO_SESSION ? state.retired : [...state.retired, accepted];
  return {
    mine,
    accepted: input.session,
    candidate: NO_SESSION,
    // What the next run echoes must have been made after this one was met.
    challenge: same ? state.challenge : NO_SESSION,
    challengedAt,
    question: NO_SESSION,
    retired,
    windows,
    // A reverted peer may number anew what never came: five such in a row are no disorder of the network.
    replays: same && window.newest !== input.sequence ? state.replays + 1 : 0,
    renewedAt,
  };
}

/** The state after a datagram that shows no life; the accepted run's own session is echoed anyway. */
function unproven(state: SessionState, { session, sequence }: SessionInput): SessionState {
  if (sequence === CHALLENGE_SEQUENCE) return { ...state, question: session };
  return session === state.accepted ? state : { ...state, candidate: session };
}

/** Judges one authenticated datagram of the peer. */
export function accept(
  state: SessionState,
  input: SessionInput,
): readonly [SessionState, Acceptance] {
  const { accepted, challenge } = state;
  const same = input.session === accepted;
  const proven = !same && challenge !== NO_SESSION && input.echoes.includes(challenge);
  if (!proven && !input.echoes.includes(state.mine)) return [unproven(state, input), "hello"];
  if (state.retired.includes(input.session)) {
    return [{ ...state, replays: state.replays + 1 }, "replayed"];
  }
  if (!proven && !same && accepted !== NO_SESSION) return [unproven(state, input), "hello"];
  // No more runs than can be remembered: the living one is accepted once our session is renewed.
  if (!same && state.retired.length > RETIRED_SESSIONS_MAX) {
    return [{ ...state, replays: state.replays + 1 }, "replayed"];
  }
  const window = slide(same ? state.windows[input.stream] : undefined, input.sequence);
  if (window === undefined) return [{ ...state, replays: state.replays + 1 }, "replayed"];
  return [alive(state, input, window), "life"];
}

/** Whether another run shows up beside the accepted one. */
export const strangerAbout = ({ accepted, candidate }: SessionState): boolean =>
  accepted !== NO_SESSION && candidate !== NO_SESSION;

const challengeLasts = (deadtime: number): number => Math.max(CHALLENGE_MS_MIN, 2 * deadtime);

/** Forgets a challenge that is too old: whoever echoed it may be gone since. */
export function forgetChallenge(state: SessionState, now: Millis, deadtime: number): SessionState {
  const good = now - state.challengedAt <= challengeLasts(deadtime);
  if (good || state.challenge === NO_SESSION) return state;
  return { ...state, challenge: NO_SESSION };
}

/** Whether a challenge that goes out now must be a new one; the answer to it must find it good. */
export const wantsChallenge = (state: SessionState, now: Millis, deadtime: number): boolean =>
  state.challenge === NO_SESSION || now - state.challengedAt > challengeLasts(deadtime) / 2;

/** A challenge to a run that shows up beside the accepted one; what was recorded before cannot echo it. */
export const challengeWith = (
  state: SessionState,
  challenge: string,
  now: Millis,
): SessionState => ({ ...state, challenge, challengedAt: now });

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

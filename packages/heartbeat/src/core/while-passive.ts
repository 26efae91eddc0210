// while-passive.ts — what a passive node makes of the peer's adverts, of its silence and of time.
import type { Millis } from "@lbpair/common";
import type { Effect } from "./effects.js";
import {
  type ElectionSettings,
  type ElectionState,
  FAILBACK_DEADTIMES,
  FAILBACK_HOLD_MS,
  type PeerView,
  type Step,
} from "./election-state.js";
import { mayFailBack } from "./flap-governor.js";
import { countMove } from "./flap-rule.js";
import { wish } from "./orders.js";
import { silenceNeeded, silentSince } from "./silence.js";
import { NOT_ASKED, reasonToWait } from "./suspicion.js";
import { claim } from "./transitions.js";

/** Deadtimes that a primary that could claim, and hears this node, is left to do so. */
const ABLE_DEADTIMES = 5;
/** Keepalives that an advert is the peer's present word: the next one is due. */
const WORD_KEEPALIVES = 1.25;

export function onAdvertWhilePassive(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  peer: PeerView,
): Step {
  if (peer.active && !peer.yielding) {
    const settled = state.vacantSince === null ? state : { ...state, vacantSince: null };
    if (state.phase !== "starting") return [settled, []];
    const because = "the peer is active";
    return [
      { ...settled, phase: "passive", since: now, because },
      [
        { kind: "tell-condition" },
        {
          kind: "record",
          level: "info",
          event: "became-passive",
          text: `now passive: ${because}`,
          facts: { peerEpoch: peer.epoch },
        },
      ],
    ];
  }
  // Yielding, but its kernel may still answer: the revocation was not acknowledged.
  if (peer.yielding && peer.leaseMs === 0 && state.ready) {
    const because = state.request?.because ?? "the peer asked this node to take over";
    const claimed = claim(state, now, state.request?.rule ?? "yield", because);
    if (peer.forHealth) return countMove(claimed, settings, now);
    const [next, effects] = claimed;
    return [{ ...next, tolerated: state.faults }, effects];
  }
  return [{ ...state, vacantSince: peer.yielding ? null : (state.vacantSince ?? now) }, []];
}

function requestDue(state: ElectionState, settings: ElectionSettings, now: Millis): boolean {
  const { peer } = state;
  return (
    settings.autoFailback &&
    settings.designation === "primary" &&
    state.phase === "passive" &&
    state.request === null &&
    state.ready &&
    peer?.active === true &&
    state.faults <= peer.faults &&
    now >= state.failbackHeldUntil &&
    mayFailBack(state.flaps, now, settings) &&
    now - Math.max(state.since, peer.firstHeardAt) >= FAILBACK_DEADTIMES * settings.deadtime
  );
}

/** Says once why a take over waits. */
function heldBack(state: ElectionState, now: Millis, why: string): Step {
  const expired = state.request !== null && now >= state.request.until;
  const replies: Effect[] = expired
    ? [{ kind: "reply", done: false, message: `${why}; nothing was changed` }]
    : [];
  const request = expired ? null : state.request;
  const next: ElectionState = { ...state, request, heldBack: why };
  const told = state.heldBack === why || why === NOT_ASKED;
  if (told) return [next, [{ kind: "send-adverts" }, ...replies]];
  const silentMs = Math.round(now - silentSince(state));
  const text = `the peer has been silent for ${silentMs} ms, but this node does not take over: ${why}`;
  return [
    next,
    [
      { kind: "send-adverts" },
      { kind: "record", level: "alarm", event: "take-over-held-back", text, facts: { silentMs } },
      ...replies,
    ],
  ];
}

/**
 * Whether both are passive and this node is to claim: the primary at once, the secondary where the
 * primary cannot, one deadtime later: one that can is about to. A word of before the last keepalive counts for neither: where one
 * is late to hear the other, both could claim beside each other. Then silence and witnesses decide.
 */
function vacancyIsOurs(state: ElectionState, settings: ElectionSettings, now: Millis): boolean {
  const { peer, vacantSince } = state;
  // A peer whose kernel has not acknowledged that it is quiet may still answer.
  if (vacantSince === null || peer === null || peer.leaseMs > 0) return false;
  const fresh = now - peer.heardAt <= WORD_KEEPALIVES * settings.keepalive;
  if (!fresh || state.suspecting || peer.probing === true) return false;
  // What was heard before this node said that it is ready may be the last word before a claim.
  if (settings.designation === "primary") return peer.heardAt >= vacantSince;
  const turns = !peer.ready || peer.deaf ? 1 : ABLE_DEADTIMES;
  return now - vacantSince > turns * settings.deadtime;
}

export function tickWhilePassive(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
): Step {
  const { peer } = state;
  const silentMs = Math.round(now - silentSince(state));
  // Where no network has a carrier, silence is this node's own.
  const deaf = settings.paired && state.isolated;
  if (state.ready && !deaf && now - silentSince(state) > silenceNeeded(state, settings)) {
    if (!settings.paired) return claim(state, now, "lone", "this appliance has no peer");
    const wait = reasonToWait(state, settings, now);
    if (wait !== null) return heldBack(state, now, wait);
    const because =
      peer === null
        ? `nothing was heard of the peer for ${silentMs} ms since the start`
        : `the peer has been silent for ${silentMs} ms`;
    return claim(state, now, peer === null ? "lone" : "silence", because);
  }
  if (state.ready && vacancyIsOurs(state, settings, now)) {
    return claim(state, now, "vacant", "both nodes were passive");
  }
  if (state.request !== null && now >= state.request.until) {
    const message = "the active did not hand over in time; nothing was changed";
    return [
      { ...state, request: null, failbackHeldUntil: (now + FAILBACK_HOLD_MS) as Millis },
      [
        { kind: "send-adverts" },
        { kind: "record", level: "warn", event: "request-refused", text: message, facts: {} },
        { kind: "reply", done: false, message },
      ],
    ];
  }
  if (requestDue(state, settings, now)) {
    const because = "the primary is back and well (auto-failback)";
    return wish(state, settings, now, "failback", because, { forHealth: true });
  }
  return [state, [{ kind: "send-adverts" }]];
}

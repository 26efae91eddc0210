// while-active.ts — what an active node makes of the peer's adverts and of time.
import type { Millis } from "@lbpair/common";
import {
  DEAF_KEEPALIVES,
  type ElectionSettings,
  type ElectionState,
  epochAbove,
  type PeerView,
  peerWins,
  type Step,
} from "./election-state.js";
import { heldUntil } from "./flap-governor.js";
import { countMove, tellHeld } from "./flap-rule.js";
import { peerAlive } from "./silence.js";
import { answers, handOverEnds, heardSince, roundsAsked } from "./suspicion.js";
import { beginHandOver, listening, rollBack, standDown } from "./transitions.js";

export function onAdvertWhileActive(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  peer: PeerView,
): Step {
  const handed = state.phase === "handing-over";
  // A peer that has claimed and yields already has taken over all the same: two that both wait for the
  // other to take over would both go back to being active.
  if (peer.active && (!peer.yielding || (handed && peer.epoch > state.epoch))) {
    const deafMs = peer.deafSince === null ? 0 : now - peer.deafSince;
    if (deafMs >= DEAF_KEEPALIVES * settings.keepalive) {
      const because = "the active peer does not hear this node, so only this node can stand down";
      return standDown(state, now, "unheard", because, { phase: "passive" }, "alarm");
    }
    // Handing over, this node wants the peer to be active, whatever its claim.
    if (handed || peerWins(state, settings, peer.epoch)) {
      const because = handed
        ? (state.handOver?.because ?? "handed over")
        : `the peer's claim ${peer.epoch} is above ours, ${state.epoch}`;
      const rule = handed ? (state.handOver?.rule ?? "order") : "higher-epoch";
      const level = handed ? "info" : "alarm";
      return standDown(state, now, rule, because, { phase: "passive" }, level);
    }
    // Both active: ours wins. A claim above both ends the duplicate within one keepalive.
    const epoch = epochAbove(Math.max(state.highestEpoch, peer.epoch));
    const because = `both nodes were active; this node wins and claims again as ${epoch}`;
    const rule = "both-active";
    return [
      { ...state, phase: "active", because, rule, handOver: null, epoch, highestEpoch: epoch },
      [
        { kind: "grant-lease" },
        { kind: "send-adverts" },
        { kind: "announce" },
        { kind: "remember" },
        {
          kind: "record",
          level: "alarm",
          event: "both-active",
          text: because,
          facts: { epoch, peerEpoch: peer.epoch, rule },
        },
      ],
    ];
  }
  if (state.phase === "active" && peer.requesting && peer.ready) {
    const because = "the peer asked to be active";
    if (!peer.forHealth) return beginHandOver(state, settings, now, "request", because);
    if (heldUntil(state.flaps, now, settings) !== null) return [state, []];
    const how = { forHealth: true };
    const begun = beginHandOver(state, settings, now, "request", because, how);
    return countMove(begun, settings, now);
  }
  if (state.phase === "active" && state.highestEpoch > state.epoch) {
    const epoch = epochAbove(state.highestEpoch);
    return [
      { ...state, epoch, highestEpoch: epoch },
      [{ kind: "remember" }, { kind: "send-adverts" }],
    ];
  }
  return [state, []];
}

/**
 * Whether the peer lives, is ready and has fewer faults: health, damped in `tickWhileActive`. What an
 * operator put up with when ordering this node to be active does not undo the order.
 */
export const peerIsBetter = (
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
): boolean =>
  state.peer?.ready === true &&
  peerAlive(state, settings, now) &&
  state.peer.faults < state.faults - state.tolerated + (state.ready ? 0 : 1);

/** Whether the peer is better for other reasons than the ping nodes that it alone still reaches. */
const betterWithoutPings = (state: ElectionState): boolean =>
  state.peer !== null &&
  state.peer.faults - state.peer.pingsLost <
    state.faults - state.pingsLost - state.tolerated + (state.ready ? 0 : 1);

/** The peer is the better active: for how long already, and what follows. */
function whilePeerIsBetter(state: ElectionState, settings: ElectionSettings, now: Millis): Step {
  const held = heldUntil(state.flaps, now, settings) !== null;
  if (held && state.heldBetter) return [{ ...state, worseSince: null }, []];
  const worseSince = state.worseSince ?? now;
  const worse = state.worseSince === null ? { ...state, worseSince } : state;
  const { healthDamping, pingDamping } = settings;
  const damping = betterWithoutPings(state) ? healthDamping : pingDamping;
  if (now - worseSince < damping) return [worse, []];
  if (held) return tellHeld(worse, settings, now);
  const because = "the peer's health is better";
  const begun = beginHandOver(worse, settings, now, "health", because, { forHealth: true });
  return countMove(begun, settings, now);
}

/**
 * The peer did not take over. First the offer is taken back: one that is still on its way could be
 * taken just when this node answers again. Then the witnesses have the last word.
 */
function endHandOver(
  state: ElectionState,
  handOver: NonNullable<ElectionState["handOver"]>,
  settings: ElectionSettings,
  now: Millis,
): Step {
  if (handOver.retractedAt === null) {
    return [{ ...state, handOver: { ...handOver, retractedAt: now } }, [{ kind: "send-adverts" }]];
  }
  // After a pause of this node's own the witnesses are asked anew before it answers again.
  const asking = state.suspecting && state.witness?.able === true && roundsAsked(state) === 0;
  if (asking && now - state.askedSince <= settings.deadtime) return [state, []];
  if (answers(state, settings, now)) {
    const why = `${handOver.because}; the peer answers for the floating IPs, but is not heard`;
    return standDown(state, now, handOver.rule, why, { phase: "passive" }, "warn");
  }
  // A peer that says it hears nothing is about to claim for it, just as where it fell silent.
  const meets = !state.suspecting && state.peer?.deaf !== true;
  const heard = meets && heardSince(state, handOver.retractedAt);
  return heard ? rollBack(state, now) : leaveTurn(state, settings, now);
}

/**
 * The peer fell silent during a hand-over. It may have claimed already, or be about to for this node's
 * own silence: whoever went back now would answer beside it. So it has the first turn; where it is
 * dead, this node claims again one deadtime later.
 */
function leaveTurn(state: ElectionState, settings: ElectionSettings, now: Millis): Step {
  const fell = state.peer?.deaf === true ? "went deaf" : "fell silent";
  const why = `the peer ${fell} during the hand-over, so the first turn is the peer's`;
  const later = { ...listening(settings, now), patience: 2 * settings.deadtime };
  const [next, effects] = standDown(state, now, "no-answer", why, later, "alarm");
  const message = `${why}; this node claims again if it hears nothing`;
  return [
    next,
    effects.map((effect) =>
      effect.kind === "reply" ? { ...effect, done: false, message } : effect,
    ),
  ];
}

export function tickWhileActive(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
): Step {
  if (state.handOver !== null && handOverEnds(state, settings) <= now) {
    return endHandOver(state, state.handOver, settings, now);
  }
  if (
    settings.paired &&
    state.isolated &&
    state.peer !== null &&
    !peerAlive(state, settings, now)
  ) {
    const why = "no network has a carrier, so the peer has taken over";
    return standDown(state, now, "isolated", why, listening(settings, now), "alarm");
  }
  if (state.phase !== "active" || !peerIsBetter(state, settings, now)) {
    const calm = state.worseSince === null ? state : { ...state, worseSince: null };
    return [calm, [{ kind: "send-adverts" }]];
  }
  const [next, effects] = whilePeerIsBetter(state, settings, now);
  const said = effects.some(({ kind }) => kind === "send-adverts");
  return [next, said ? effects : [...effects, { kind: "send-adverts" }]];
}

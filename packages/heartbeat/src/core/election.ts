// election.ts — who is active: a function from state and event to the next state and ordered effects.
//
// The state table is in docs/failover.md. Time comes with each event; nothing here waits or acts.
import type { Millis } from "@lbpair/common";
import type { Effect } from "./effects.js";
import {
  conditionOf,
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  heardOf,
  type PeerSaid,
  type Step,
} from "./election-state.js";
import { noticeHoldOver, onClearFlaps } from "./flap-rule.js";
import { onMakeActive, onStop } from "./orders.js";
import { leaseMargin, peerAlive, silenceNeeded, silentSince, turnMs } from "./silence.js";
import { onStalled } from "./stalled.js";
import { suspicion, witnessed } from "./suspicion.js";
import { listening, standDown } from "./transitions.js";
import { onAdvertWhileActive, peerIsBetter, tickWhileActive } from "./while-active.js";
import { onAdvertWhilePassive, tickWhilePassive } from "./while-passive.js";

/** Keepalives after which the peer's word that it was not heard is old: it counts for one and a quarter. */
const HEARD_AGAIN_KEEPALIVES = 1.5;
/** Keepalives before the end of a deadtime from which it counts: a node that starts has never heard anything. */
const DEAF_BEFORE = 2;

/**
 * A node that has heard nothing for a deadtime has said so, and its peer may be about to claim for it: that
 * it hears again is said first, and heard. And a run that shows up while another was heard may be a recording of an
 * earlier one: it has to go on speaking. null = both are passive as of now, if they are.
 */
function vacantAgain(state: ElectionState, settings: ElectionSettings, now: Millis): Millis | null {
  const saidDeaf = now - state.wordAt > settings.deadtime - DEAF_BEFORE * settings.keepalive;
  if (conditionOf(state) === "active" || !(saidDeaf || state.toldAlive)) return null;
  return (now + (saidDeaf ? HEARD_AGAIN_KEEPALIVES : 1) * settings.keepalive) as Millis;
}

function onAdvert(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  said: PeerSaid,
  met = false,
): Step {
  const firstHeardAt = state.toldAlive ? (state.peer?.firstHeardAt ?? now) : now;
  const deafSince = said.deaf ? (state.peer?.deafSince ?? now) : null;
  const peer = heardOf(said, now, firstHeardAt, deafSince);
  const highestEpoch = Math.max(state.highestEpoch, peer.highestEpoch, peer.epoch);
  // Copied, then changed: a spread with so many changes takes three times as long.
  const heard: { -readonly [K in keyof ElectionState]: ElectionState[K] } = { ...state };
  heard.peer = peer;
  heard.wordAt = now;
  heard.highestEpoch = highestEpoch;
  heard.toldAlive = true;
  heard.caution = 0;
  // Both are passive only while both are heard: a silence in between is no vacancy.
  heard.vacantSince =
    state.toldAlive && !met ? state.vacantSince : vacantAgain(state, settings, now);
  // What was put up with for the sake of an order is weighed anew against a peer that was away.
  heard.tolerated = state.toldAlive ? state.tolerated : 0;
  heard.suspecting = false;
  heard.witness = null;
  heard.heldBack = null;
  const news: Effect[] = highestEpoch > state.highestEpoch ? [{ kind: "remember" }] : [];
  if (!state.toldAlive) {
    news.push(
      // The lease must be short before the peer may count on it.
      ...(state.phase === "active" ? [{ kind: "refresh-lease" } as const] : []),
      {
        kind: "record",
        level: "info",
        event: "peer-heard",
        text: "the peer is heard",
        facts: { peerActive: peer.active, peerEpoch: peer.epoch },
      },
      { kind: "tell-condition" },
    );
  }
  const [next, effects] =
    conditionOf(heard) === "active"
      ? onAdvertWhileActive(heard, settings, now, peer)
      : onAdvertWhilePassive(heard, settings, now, peer);
  return [next, [...news, ...effects, ...announcedAgain(state, next, effects)]];
}

/**
 * A peer that was not heard may have been active meanwhile, and one that was may have spoken for the floating IPs
 * until just now: who of their neighbours believed it is told by the one that remains, even where the
 * peer stood down before its claim was heard here.
 */
function announcedAgain(
  before: ElectionState,
  { phase, peer }: ElectionState,
  effects: readonly Effect[],
): readonly Effect[] {
  const stays = before.phase === "active" && phase === "active";
  const doubled = !before.toldAlive || (before.peer?.active === true && peer?.active === false);
  const told = effects.some(({ kind }) => kind === "announce");
  return stays && doubled && !told ? [{ kind: "announce" }] : [];
}

/**
 * Both may become ready at the same moment, and both have heard nothing for long enough: then the
 * secondary's turn comes after the primary's all the same. Returns since when silence counts.
 */
function turnFrom(state: ElectionState, settings: ElectionSettings, now: Millis): Millis {
  if (conditionOf(state) === "active") return state.listeningSince;
  const turn = settings.paired ? turnMs(settings) : 0;
  const anew = silenceNeeded({ ...state, listeningSince: now }, settings);
  const from = now + turn - anew;
  return turn > 0 && from > silentSince(state) ? (from as Millis) : state.listeningSince;
}

/** Says once that the peer is silent. */
function noticeSilence(state: ElectionState, settings: ElectionSettings, now: Millis): Step {
  if (!state.toldAlive || peerAlive(state, settings, now)) return [state, []];
  const silentMs = Math.round(now - (state.peer?.heardAt ?? now));
  return [
    { ...state, toldAlive: false },
    [
      // The lease gets longer with that: addresses that end before it would be free to be claimed.
      ...(conditionOf(state) === "active" ? [{ kind: "raise" } as const] : []),
      {
        kind: "record",
        level: "warn",
        event: "peer-silent",
        text: `the peer has been silent for ${silentMs} ms`,
        facts: { silentMs },
      },
      { kind: "tell-condition" },
    ],
  ];
}

function onTime(state: ElectionState, settings: ElectionSettings, now: Millis): Step {
  const [noticed, news] = noticeSilence(state, settings, now);
  const [free, over] = noticeHoldOver(noticed, settings, now);
  const [suspicious, probes] = suspicion(free, settings, now);
  const [next, effects] =
    conditionOf(suspicious) === "active"
      ? tickWhileActive(suspicious, settings, now)
      : tickWhilePassive(suspicious, settings, now);
  return [next, [...news, ...over, ...probes, ...effects]];
}

const quiet = (effects: readonly Effect[]): readonly Effect[] =>
  effects.every(({ kind }) => kind === "send-adverts" || kind === "probe")
    ? effects.filter(({ kind }) => kind === "probe")
    : effects;

/** One step of the election. Effects are to be performed in order. */
export function step(
  state: ElectionState,
  event: ElectionEvent,
  now: Millis,
  settings: ElectionSettings,
): Step {
  const [next, effects] = stepOn(state, event, now, settings);
  // Whoever answers for the floating IPs itself needs no witness.
  const asks = (one: ElectionState) => one.suspecting && one.phase !== "active";
  if (asks(next) === asks(state)) return [next, effects];
  return [next, [...effects, { kind: asks(next) ? "suspect" : "trust" }]];
}

function stepOn(
  state: ElectionState,
  event: ElectionEvent,
  now: Millis,
  settings: ElectionSettings,
): Step {
  switch (event.kind) {
    case "tick":
      return onTime(state, settings, now);
    case "deadline": {
      // Adverts keep to their rhythm.
      const [next, effects] = onTime(state, settings, now);
      return [next, quiet(effects)];
    }
    case "witness": {
      if (!state.suspecting) return [state, []];
      // Silence while this node was cut off says little of the peer: once it is not, it listens anew.
      const freed = state.heldBack !== null && (state.witness?.cut ?? 0) > event.view.cut;
      const listeningSince = freed ? now : state.listeningSince;
      const seen = { ...witnessed(state, settings, now, event.view), listeningSince };
      const [next, effects] = onTime(seen, settings, now);
      return [next, quiet(effects)];
    }
    case "stalled":
      return onStalled(state, settings, now, event.lateMs);
    case "advert": {
      const [next, effects] = onAdvert(state, settings, now, event.peer, event.met);
      // That both are passive is to be heard now, not to be read in old mail.
      const vacant = event.old === true && next.vacantSince !== null;
      // Nor that the peer's lease is short.
      const { caution } = event.old === true ? state : next;
      const kept = { ...next, caution };
      return [vacant ? { ...kept, vacantSince: null } : kept, effects];
    }
    case "local": {
      const { ready, faults, pingsLost, isolated } = event;
      const same = ready === state.ready && faults === state.faults;
      if (same && pingsLost === state.pingsLost && isolated === state.isolated) return [state, []];
      // Silence while no network had a carrier says nothing about the peer.
      const back = state.isolated && !isolated && conditionOf(state) === "passive";
      const listeningSince = back
        ? now
        : ready && !state.ready
          ? turnFrom(state, settings, now)
          : state.listeningSince;
      const tolerated = Math.min(state.tolerated, faults);
      const next = { ...state, ready, faults, pingsLost, isolated, listeningSince, tolerated };
      // Two short troubles with a moment of health between them are not one long one.
      const worseSince = peerIsBetter(next, settings, now) ? next.worseSince : null;
      // Of two that become ready together the primary claims; the secondary's turn begins anew.
      const vacantSince =
        ready && !state.ready && state.vacantSince !== null
          ? (Math.max(now, state.vacantSince) as Millis)
          : state.vacantSince;
      return [{ ...next, worseSince, vacantSince }, [{ kind: "send-adverts" }]];
    }
    case "make-active":
      return onMakeActive(state, settings, now, event.designation, event.by);
    case "clear-flaps":
      return onClearFlaps(state, settings, now, event.by);
    case "lease-lost": {
      if (state.phase !== "active") return [state, []];
      // Listen before any new claim: the peer may have taken over while this daemon stood still, and its
      // lease be the long one by now.
      const long = settings.loneLease + leaseMargin(settings);
      const caution = state.toldAlive ? Math.max(state.caution, long) : state.caution;
      const then = { ...listening(settings, now), caution };
      return standDown(state, now, "lease-lost", event.why, then, "alarm");
    }
    case "stop":
      return onStop(state, settings, now, event.why);
    default:
      return event satisfies never;
  }
}

// election.ts — who is active: a function from state and event to the next state and ordered effects.
//
// The state table is in docs/failover.md. Time comes with each event; nothing here waits or acts.
import type { Millis } from "@lbpair/common";
import type { Effect } from "./effects.js";
import {
  conditionOf,
  DEAF_KEEPALIVES,
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  FAILBACK_DEADTIMES,
  FAILBACK_HOLD_MS,
  type PeerSaid,
  type PeerView,
  peerAlive,
  peerWins,
  type Step,
  silenceNeeded,
  silentSince,
} from "./election-state.js";
import { onMakeActive, onStop, wish } from "./orders.js";
import { onStalled } from "./stalled.js";
import { beginHandOver, claim, rollBack, standDown } from "./transitions.js";

function onAdvertWhileActive(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  peer: PeerView,
): Step {
  if (peer.active && !peer.yielding) {
    const handed = state.phase === "handing-over";
    const deafMs = peer.deafSince === null ? 0 : now - peer.deafSince;
    if (deafMs >= DEAF_KEEPALIVES * settings.keepalive) {
      const because = "the active peer does not hear this node, so only this node can stand down";
      return standDown(state, now, because, { phase: "passive" }, "alarm");
    }
    // Handing over, this node wants the peer to be active, whatever its claim.
    if (handed || peerWins(state, settings, peer.epoch)) {
      const because = handed
        ? (state.handOver?.because ?? "handed over")
        : `the peer's claim ${peer.epoch} is above ours, ${state.epoch}`;
      return standDown(state, now, because, { phase: "passive" }, handed ? "info" : "alarm");
    }
    // Both active: ours wins. A claim above both ends the duplicate within one keepalive.
    const epoch = Math.max(state.highestEpoch, peer.epoch) + 1;
    return [
      { ...state, phase: "active", handOver: null, epoch, highestEpoch: epoch },
      [
        { kind: "grant-lease" },
        { kind: "send-adverts" },
        { kind: "announce" },
        { kind: "remember" },
        {
          kind: "record",
          level: "alarm",
          event: "both-active",
          text: `both nodes were active; this node wins and claims again as ${epoch}`,
          facts: { epoch, peerEpoch: peer.epoch },
        },
      ],
    ];
  }
  if (state.phase === "active" && peer.requesting && peer.ready) {
    return beginHandOver(state, settings, now, "the peer asked to be active", false);
  }
  if (state.phase === "active" && state.highestEpoch > state.epoch) {
    const epoch = state.highestEpoch + 1;
    return [
      { ...state, epoch, highestEpoch: epoch },
      [{ kind: "remember" }, { kind: "send-adverts" }],
    ];
  }
  return [state, []];
}

function onAdvertWhilePassive(state: ElectionState, now: Millis, peer: PeerView): Step {
  if (peer.active && !peer.yielding) {
    const settled: ElectionState = { ...state, vacantSince: null };
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
    return claim(state, now, state.request?.because ?? "the peer asked this node to take over");
  }
  return [{ ...state, vacantSince: peer.yielding ? null : (state.vacantSince ?? now) }, []];
}

function onAdvert(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  said: PeerSaid,
): Step {
  const firstHeardAt = state.toldAlive ? (state.peer?.firstHeardAt ?? now) : now;
  const deafSince = said.deaf ? (state.peer?.deafSince ?? now) : null;
  const peer: PeerView = { ...said, heardAt: now, firstHeardAt, deafSince };
  const highestEpoch = Math.max(state.highestEpoch, peer.highestEpoch, peer.epoch);
  const heard: ElectionState = { ...state, peer, highestEpoch, toldAlive: true, caution: 0 };
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
      : onAdvertWhilePassive(heard, now, peer);
  return [next, [...news, ...effects]];
}

/** Whether the peer lives, is ready and has fewer faults: health, damped by one deadtime. */
const peerIsBetter = (state: ElectionState, settings: ElectionSettings, now: Millis): boolean =>
  state.peer?.ready === true &&
  peerAlive(state, settings, now) &&
  state.peer.faults < state.faults + (state.ready ? 0 : 1);

function tickWhileActive(state: ElectionState, settings: ElectionSettings, now: Millis): Step {
  if (state.handOver !== null && now >= state.handOver.until) return rollBack(state, now);
  if (state.isolated && state.peer !== null && !peerAlive(state, settings, now)) {
    const why = "no network has a carrier, so the peer has taken over";
    return standDown(state, now, why, listening(settings, now), "alarm");
  }
  const better = state.phase === "active" && peerIsBetter(state, settings, now);
  const worseSince = better ? (state.worseSince ?? now) : null;
  if (worseSince !== null && now - worseSince >= settings.deadtime) {
    return beginHandOver(state, settings, now, "the peer's health is better", false);
  }
  return [{ ...state, worseSince }, [{ kind: "send-adverts" }]];
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
    now - Math.max(state.since, peer.firstHeardAt) >= FAILBACK_DEADTIMES * settings.deadtime
  );
}

function tickWhilePassive(state: ElectionState, settings: ElectionSettings, now: Millis): Step {
  const { peer } = state;
  const silentMs = Math.round(now - silentSince(state));
  // Where no network has a carrier, silence is this node's own.
  const deaf = settings.paired && state.isolated;
  if (state.ready && !deaf && now - silentSince(state) > silenceNeeded(state, settings)) {
    if (!settings.paired) return claim(state, now, "this appliance has no peer");
    const because =
      peer === null
        ? `nothing was heard of the peer for ${silentMs} ms since the start`
        : `the peer has been silent for ${silentMs} ms`;
    return claim(state, now, because);
  }
  if (state.vacantSince !== null && state.ready && peerAlive(state, settings, now)) {
    // The primary claims at once; the secondary gives it one deadtime to become ready.
    const turn = settings.designation === "primary" || now - state.vacantSince > settings.deadtime;
    if (turn) return claim(state, now, "both nodes were passive");
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
    return wish(state, settings, now, "the primary is back and well (auto-failback)");
  }
  return [state, [{ kind: "send-adverts" }]];
}

/** Whoever may have been away listens for a deadtime before any new claim. */
const listening = (settings: ElectionSettings, now: Millis) =>
  ({
    phase: "starting",
    listeningSince: now,
    patience: settings.deadtime,
    peer: null,
    toldAlive: false,
  }) as const;

/** Says once that the peer is silent. */
function noticeSilence(state: ElectionState, settings: ElectionSettings, now: Millis): Step {
  if (!state.toldAlive || peerAlive(state, settings, now)) return [state, []];
  const silentMs = Math.round(now - (state.peer?.heardAt ?? now));
  return [
    { ...state, toldAlive: false },
    [
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
  const [next, effects] =
    conditionOf(noticed) === "active"
      ? tickWhileActive(noticed, settings, now)
      : tickWhilePassive(noticed, settings, now);
  return [next, [...news, ...effects]];
}

/** One step of the election. Effects are to be performed in order. */
export function step(
  state: ElectionState,
  event: ElectionEvent,
  now: Millis,
  settings: ElectionSettings,
): Step {
  switch (event.kind) {
    case "tick":
      return onTime(state, settings, now);
    case "deadline": {
      const [next, effects] = onTime(state, settings, now);
      const idle = effects.every((effect) => effect.kind === "send-adverts");
      return [next, idle ? [] : effects];
    }
    case "stalled":
      return onStalled(state, settings, now, event.lateMs);
    case "advert":
      return onAdvert(state, settings, now, event.peer);
    case "local": {
      const { ready, faults, isolated } = event;
      if (ready === state.ready && faults === state.faults && isolated === state.isolated) {
        return [state, []];
      }
      // Silence while no network had a carrier says nothing about the peer.
      const back = state.isolated && !isolated && conditionOf(state) === "passive";
      const listeningSince = back ? now : state.listeningSince;
      const next = { ...state, ready, faults, isolated, listeningSince };
      // Two short troubles with a moment of health between them are not one long one.
      const worseSince = peerIsBetter(next, settings, now) ? next.worseSince : null;
      return [{ ...next, worseSince }, [{ kind: "send-adverts" }]];
    }
    case "make-active":
      return onMakeActive(state, settings, now, event.designation, event.by);
    case "lease-lost": {
      if (state.phase !== "active") return [state, []];
      // Listen before any new claim: the peer may have taken over while this daemon stood still.
      return standDown(state, now, event.why, listening(settings, now), "alarm");
    }
    case "stop":
      return onStop(state, settings, now, event.why);
    default:
      return event satisfies never;
  }
}

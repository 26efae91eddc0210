// transitions.ts — the four ways a node's condition changes, each with its effects in order.
import type { Millis, Rule } from "@lbpair/common";
import type { Effect } from "./effects.js";
import {
  type ElectionSettings,
  type ElectionState,
  epochAbove,
  HAND_OVER_KEEPALIVES,
  type Step,
} from "./election-state.js";

export function claim(state: ElectionState, now: Millis, rule: Rule, because: string): Step {
  const epoch = epochAbove(Math.max(state.highestEpoch, state.peer?.highestEpoch ?? 0));
  const silentMs = state.peer === null ? null : now - state.peer.heardAt;
  const next: ElectionState = {
    ...state,
    phase: "active",
    since: now,
    because,
    rule,
    epoch,
    highestEpoch: epoch,
    worseSince: null,
    vacantSince: null,
    handOver: null,
    request: null,
    tolerated: 0,
    suspecting: false,
    witness: null,
    heldBack: null,
  };
  return [
    next,
    [
      { kind: "grant-lease" },
      { kind: "raise" },
      { kind: "announce" },
      { kind: "send-adverts" },
      { kind: "remember" },
      { kind: "tell-condition" },
      {
        kind: "record",
        level: silentMs === null || because.includes("asked") ? "info" : "warn",
        event: "became-active",
        text: `now active: ${because}`,
        facts: { epoch, silentMs, rule },
      },
      { kind: "reply", done: true, message: `${because}; this node is active` },
    ],
  ];
}

export function standDown(
  state: ElectionState,
  now: Millis,
  rule: Rule,
  because: string,
  then: Partial<ElectionState> & Pick<ElectionState, "phase">,
  level: "info" | "warn" | "alarm",
): Step {
  const stopping = state.handOver?.stopping === true;
  const next: ElectionState = {
    ...state,
    ...then,
    since: now,
    because,
    rule,
    worseSince: null,
    vacantSince: null,
    handOver: null,
    request: null,
  };
  return [
    next,
    [
      { kind: "revoke-lease" },
      { kind: "stop-announcing" },
      { kind: "lower" },
      { kind: "send-adverts" },
      { kind: "remember" },
      { kind: "tell-condition" },
      {
        kind: "record",
        level,
        event: "became-passive",
        text: `now passive: ${because}`,
        facts: { epoch: state.epoch, highestEpoch: state.highestEpoch, rule },
      },
      { kind: "reply", done: true, message: `${because}; the peer is active` },
      ...(stopping ? [{ kind: "exit" } as const] : []),
    ],
  ];
}

export function beginHandOver(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  rule: Rule,
  because: string,
  how: { readonly stopping?: boolean; readonly forHealth?: boolean } = {},
): Step {
  const { stopping = false, forHealth = false } = how;
  const patience = Math.max(settings.deadtime, HAND_OVER_KEEPALIVES * settings.keepalive);
  const handOver = {
    until: (now + patience) as Millis,
    retractedAt: null,
    because,
    rule,
    stopping,
    forHealth,
  };
  return [
    { ...state, phase: "handing-over", since: now, rule, handOver },
    [
      { kind: "revoke-lease" },
      { kind: "stop-announcing" },
      { kind: "send-adverts" },
      {
        kind: "record",
        level: "info",
        event: "handing-over",
        text: `handing over to the peer: ${because}`,
        facts: { epoch: state.epoch, rule },
      },
    ],
  ];
}

export function rollBack(state: ElectionState, now: Millis): Step {
  const { handOver } = state;
  if (handOver === null) return [state, []];
  const message = "the peer did not take over in time; this node stays active";
  const stopping: readonly Effect[] = handOver.stopping
    ? [{ kind: "exit" }]
    : [{ kind: "reply", done: false, message }];
  return [
    {
      ...state,
      phase: "active",
      since: now,
      because: message,
      rule: "no-answer",
      handOver: null,
      worseSince: null,
    },
    [
      { kind: "grant-lease" },
      { kind: "raise" },
      { kind: "announce" },
      { kind: "send-adverts" },
      {
        kind: "record",
        level: "alarm",
        event: "hand-over-failed",
        text: `${message} (${handOver.because})`,
        facts: { epoch: state.epoch },
      },
      ...stopping,
    ],
  ];
}

/** Whoever may have been away listens for a deadtime before any new claim. */
export const listening = (settings: ElectionSettings, now: Millis) =>
  ({
    phase: "starting",
    listeningSince: now,
    patience: settings.deadtime,
    peer: null,
    toldAlive: false,
    suspecting: false,
    witness: null,
    heldBack: null,
  }) as const;

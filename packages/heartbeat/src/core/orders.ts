// orders.ts — what operators ask for: make-active, stop; and a node's own wish to be active again.
import type { Designation, Millis, Rule } from "@lbpair/common";
import {
  conditionOf,
  type ElectionSettings,
  type ElectionState,
  FAILBACK_HOLD_MS,
  HAND_OVER_KEEPALIVES,
  type Step,
} from "./election-state.js";
import { peerAlive, silenceNeeded, silentSince } from "./silence.js";
import { reasonToWait } from "./suspicion.js";
import { beginHandOver, claim } from "./transitions.js";

export function wish(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  rule: Rule,
  because: string,
  how: { readonly waitMs?: number; readonly forHealth?: boolean } = {},
): Step {
  const { waitMs = 0, forHealth = false } = how;
  // Longer than a hand-over's patience, so that the active's roll-back comes first.
  const patience = 2 * Math.max(settings.deadtime, HAND_OVER_KEEPALIVES * settings.keepalive);
  return [
    {
      ...state,
      request: { since: now, until: (now + waitMs + patience) as Millis, because, rule, forHealth },
    },
    [{ kind: "send-adverts" }],
  ];
}

const refuse = (state: ElectionState, message: string): Step => [
  state,
  [{ kind: "reply", done: false, message }],
];

export function onMakeActive(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  designation: Designation,
  by: string,
): Step {
  const held = { ...state, failbackHeldUntil: (now + FAILBACK_HOLD_MS) as Millis };
  const here = designation === settings.designation;
  const active = conditionOf(state) === "active";
  const alive = peerAlive(state, settings, now);
  if (here && active) {
    if (state.phase === "handing-over") return refuse(state, "a hand-over is under way");
    const message = "this node is active already";
    return [held, [{ kind: "reply", done: true, message }]];
  }
  if (here) {
    if (!state.ready) return refuse(state, "this node is not ready: its rules are not loaded");
    if (alive) return wish(held, settings, now, "order", `${by} asked for it`);
    // Its kernel may answer longer than it lives: an order waits for the end of the lease as well.
    const waitMs = silentSince(state) + silenceNeeded(state, settings) - now;
    if (waitMs >= 0) return wish(held, settings, now, "order", `${by} asked for it`, { waitMs });
    const asked = wish(held, settings, now, "order", `${by} asked for it`);
    const wait = reasonToWait(asked[0], settings, now);
    return wait === null
      ? claim(held, now, "order", `${by} asked while the peer is silent`)
      : asked;
  }
  if (!settings.paired) return refuse(state, "this appliance has no peer");
  if (!active) {
    const message = state.peer?.active
      ? "the peer is active already"
      : "neither node is active yet";
    return [held, [{ kind: "reply", done: state.peer?.active === true, message }]];
  }
  if (state.phase === "handing-over") return refuse(state, "a hand-over is under way");
  if (!alive || state.peer === null) return refuse(state, "the peer is silent");
  // It may not hear the offer, and be about to claim by itself.
  if (state.suspecting)
    return refuse(state, "the peer is late: whether it lives is being found out");
  if (!state.peer.ready) return refuse(state, "the peer is not ready: its rules are not loaded");
  return beginHandOver(held, settings, now, "order", `${by} asked for it`);
}

export function onStop(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  why: string,
): Step {
  const alive = peerAlive(state, settings, now) && !state.suspecting;
  const able = alive && state.peer?.ready === true;
  if (conditionOf(state) === "active" && able) {
    if (state.handOver !== null) {
      return [{ ...state, handOver: { ...state.handOver, stopping: true } }, []];
    }
    return beginHandOver(state, settings, now, "stop", why, { stopping: true });
  }
  // With nobody to take over, the kernel goes on: addresses stay as long as the lease.
  return [state, [{ kind: "exit" }]];
}

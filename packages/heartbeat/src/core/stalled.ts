// stalled.ts — what a daemon that was held up may still conclude from its peer's silence.
import type { Millis } from "@lbpair/common";
import {
  conditionOf,
  type ElectionSettings,
  type ElectionState,
  type Step,
} from "./election-state.js";
import { leaseMargin, silenceNeeded } from "./silence.js";

const later = (a: number, b: number) => Math.max(a, b) as Millis;

/**
 * The peer has two more keepalives to be heard before its silence means anything. Where the stall was
 * so long that the peer took this node for dead, its lease may be the long one by now: before it
 * claims, a node that hears nothing more waits for the end of that. What it finds in its queue is as
 * old as the stall and says nothing of now.
 */
export function onStalled(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  lateMs: number,
): Step {
  const grace = 2 * settings.keepalive;
  // Witnesses that have not spoken yet could not.
  if (state.witness === null && state.suspecting && state.askedSince < now) {
    return onStalled({ ...state, askedSince: now }, settings, now, lateMs);
  }
  const blind = settings.paired && lateMs + grace > settings.deadtime;
  if (blind && conditionOf(state) === "passive") {
    const caution = Math.max(state.caution, settings.loneLease + leaseMargin(settings));
    return [{ ...state, caution, listeningSince: now, vacantSince: null }, []];
  }
  const latest = now - silenceNeeded(state, settings) + grace;
  if (state.peer === null) {
    const listeningSince = later(state.listeningSince, latest);
    return [{ ...state, listeningSince, vacantSince: null }, []];
  }
  const peer = { ...state.peer, heardAt: later(state.peer.heardAt, latest) };
  // The claim that a hand-over waits for may have come and gone meanwhile.
  const { handOver } = state;
  const until = later(handOver?.until ?? now, now + grace);
  // That both were passive is as old as the stall: the peer may have claimed meanwhile.
  if (handOver === null) return [{ ...state, peer, vacantSince: null }, []];
  const retractedAt = handOver.retractedAt === null ? null : now;
  return [{ ...state, peer, handOver: { ...handOver, until, retractedAt } }, []];
}

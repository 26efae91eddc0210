// silence.ts — how long the peer has been silent, how long it must be before a claim, and how long a lease may be.
import { leaseMarginMs, type Millis } from "@lbpair/common/light";
import type { ElectionSettings, ElectionState } from "./election-state.js";
import type { HeldLength } from "./ports.js";
import { answerCounts } from "./witness-view.js";

/** Beyond the holder's lease, before a claim, in milliseconds: the two clocks and nft's own time. */
export const leaseMargin = ({ deadtime }: ElectionSettings): number => leaseMarginMs(deadtime);

/** Whether the peer's last sign of life is young enough. */
export const peerAlive = (state: ElectionState, settings: ElectionSettings, now: Millis): boolean =>
  state.peer !== null && now - state.peer.heardAt <= settings.deadtime;

/** How long the kernel may go on answering ARP without this daemon; null = for ever. */
export function leaseLength(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
): number | null {
  if (!settings.paired) return null;
  if (state.peer === null && now - state.listeningSince <= settings.deadtime) {
    return Math.max(settings.lease, state.inheritedMs);
  }
  return peerAlive(state, settings, now) ? settings.lease : settings.loneLease;
}

/** The shortest lease that lasts to the next beat, which may be a little late. */
const BEAT_KEEPALIVES = 1.25;

/**
 * The peer's patience counts from this node's last advert, `sinceSaid` ago: a daemon that stops between
 * its refresh and the next advert must have gone quiet by then. Late, the lease lasts until the next
 * beat all the same.
 */
export function refreshedLength(
  length: HeldLength,
  settings: ElectionSettings,
  sinceSaid: number,
): HeldLength {
  if (length === "unlimited" || length > settings.lease) return length;
  const patience = settings.deadtime - leaseMargin(settings) - sinceSaid;
  return Math.min(length, Math.max(patience, BEAT_KEEPALIVES * settings.keepalive));
}

/** When the silence of the peer that counts began. */
export const silentSince = (state: ElectionState): number =>
  Math.max(state.peer?.heardAt ?? Number.NEGATIVE_INFINITY, state.listeningSince);

/** The silence after which this node may claim: death, and the end of the holder's lease. */
export function silenceNeeded(state: ElectionState, settings: ElectionSettings): number {
  const { peer, caution } = state;
  const turn = settings.paired ? turnMs(settings) : 0;
  if (peer === null) return Math.max(state.patience, caution) + turn;
  // A passive peer has one where its kernel has not acknowledged that it is quiet.
  const lease = peer.active || peer.leaseMs > 0 ? peer.leaseMs + leaseMargin(settings) : 0;
  const needed = Math.max(settings.deadtime, lease, caution);
  if (!peer.active) return needed + turn;
  // Both may have been cut off since its last word: then their silence counts from the same moment.
  const both = caution === 0 && state.listeningSince > peer.heardAt ? turn : 0;
  return needed + both;
}

/**
 * Where nobody is active, both nodes' silence may end together. The secondary waits as much longer as
 * their last words can be apart, and until the witnesses would have seen the primary's claim.
 */
export const turnMs = (settings: ElectionSettings): number =>
  settings.designation === "primary"
    ? 0
    : settings.keepalive + answerCounts(settings) + leaseMargin(settings);

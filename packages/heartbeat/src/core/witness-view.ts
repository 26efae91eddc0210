// witness-view.ts — what the networks of the floating IPs say while the peer is silent, and what follows.
import type { Millis } from "@lbpair/common";
import type { ElectionSettings } from "./election-state.js";

export interface WitnessView {
  /** Whether witnesses can be asked at all (raw sockets work); false = silence alone decides. */
  readonly able: boolean;
  /** Links of floating IPs on which this node could not serve: no carrier, or nobody is heard where somebody was before. */
  readonly cut: number;
  /**
   * When a floating IP was last answered by the peer itself: from a MAC it has advertised, confirmed by
   * an ICMP echo to that MAC; null = not in this suspicion.
   */
  readonly peerAnsweredAt: Millis | null;
  /** Rounds of questions that are over, their waiting time too, since the suspicion began. */
  readonly rounds: number;
  /**
   * Another MAC that answers for a floating IP: an address conflict, or a router that answers for the
   * dead. It never delays a take over; it is an alarm.
   */
  readonly stranger: { readonly address: string; readonly mac: string } | null;
}

/** Questions between warntime and deadtime. */
const ROUNDS = 10;
const ROUND_MS_MIN = 5;
/** Looks per round, so that an echo follows an answer within the round. */
const LOOKS_PER_ROUND = 5;
const LOOK_MS_MIN = 2;
const LOOK_MS_MOST = 10;
/** Lateness that a timer of Node has on any machine. */
const LOOK_LATE_MS = 2;

/** From one round of questions to the next, in milliseconds. */
export const witnessInterval = ({ deadtime, warntime }: ElectionSettings): number =>
  Math.max(ROUND_MS_MIN, (deadtime - warntime) / ROUNDS);

/** From one look at what has come to the next while answers are waited for, in milliseconds. */
export const lookInterval = (intervalMs: number): number =>
  Math.min(LOOK_MS_MOST, Math.max(LOOK_MS_MIN, intervalMs / LOOKS_PER_ROUND));

/**
 * Whether a round of questions was missed: halfway through it this node was to look at what had come, and
 * was so late that an echo which follows an answer could not have come back before the end.
 */
export const missesRound = (lateMs: number, intervalMs: number): boolean =>
  lateMs > Math.max(LOOK_LATE_MS, intervalMs / 4);

/** How long an answer for a floating IP counts as the peer's life: less than deadtime exceeds the lease. */
export const answerCounts = (settings: ElectionSettings): number => 3 * witnessInterval(settings);

// election-state.ts — what a node knows of itself and its peer, and what follows from that alone.
import type { Condition, Designation, Millis, Rule } from "@lbpair/common/light";
import type { Effect } from "./effects.js";
import { type FlapMemory, type FlapSettings, NO_FLAPS } from "./flap-governor.js";
import type { WitnessView } from "./witness-view.js";

/** What the election needs of services.yaml and appliance.yaml, in milliseconds. */
export interface ElectionSettings extends FlapSettings {
  readonly designation: Designation;
  /** False on a single appliance. */
  readonly paired: boolean;
  readonly keepalive: number;
  readonly warntime: number;
  readonly deadtime: number;
  readonly initdead: number;
  readonly lease: number;
  readonly loneLease: number;
  readonly autoFailback: boolean;
  /** How long the peer's health must be the better one before the role is handed over. */
  readonly healthDamping: number;
  /** The same where only ping nodes make the difference: both nodes must have had the time to notice. */
  readonly pingDamping: number;
  readonly whenIsolated: "wait" | "take-over";
  readonly whenVipAnswers: "wait" | "take-over";
}

/** What the peer last said of itself. */
export interface PeerView {
  readonly heardAt: Millis;
  readonly firstHeardAt: Millis;
  readonly active: boolean;
  readonly ready: boolean;
  readonly yielding: boolean;
  readonly requesting: boolean;
  /** What it yields or requests is by its own doing, for the sake of health. */
  readonly forHealth: boolean;
  /** It is late to hear us, and asks for an answer. */
  readonly probing?: boolean;
  /** It says that it has heard nothing of us for a deadtime. */
  readonly deaf: boolean;
  /** Since when it says so; null = it does not. */
  readonly deafSince: Millis | null;
  readonly faults: number;
  /** Of the faults, ping nodes that do not answer. */
  readonly pingsLost: number;
  readonly leaseMs: number;
  readonly epoch: number;
  readonly highestEpoch: number;
}

/** An advert, as the election needs it. */
export type PeerSaid = Omit<PeerView, "heardAt" | "firstHeardAt" | "deafSince">;

/** Of an advert, what the election needs; the whole of it would be copied at every step. */
export const peerSaid = (advert: Omit<PeerSaid, "deaf">, deaf: boolean): PeerSaid => ({
  active: advert.active,
  ready: advert.ready,
  yielding: advert.yielding,
  requesting: advert.requesting,
  forHealth: advert.forHealth,
  probing: advert.probing === true,
  deaf,
  faults: advert.faults,
  pingsLost: advert.pingsLost,
  leaseMs: advert.leaseMs,
  epoch: advert.epoch,
  highestEpoch: advert.highestEpoch,
});

/** The view of a peer that has just been heard. */
export const heardOf = (
  said: PeerSaid,
  heardAt: Millis,
  firstHeardAt: Millis,
  deafSince: Millis | null,
): PeerView => ({
  heardAt,
  firstHeardAt,
  active: said.active,
  ready: said.ready,
  yielding: said.yielding,
  requesting: said.requesting,
  forHealth: said.forHealth,
  probing: said.probing === true,
  deaf: said.deaf,
  deafSince,
  faults: said.faults,
  pingsLost: said.pingsLost,
  leaseMs: said.leaseMs,
  epoch: said.epoch,
  highestEpoch: said.highestEpoch,
});

/**
 * starting: after a start or a lost lease, listening before any claim. handing-over: still
 * forwarding and holding addresses, but no longer answering ARP, until the peer's claim is heard.
 */
export type Phase = "starting" | "passive" | "active" | "handing-over";

export interface ElectionState {
  readonly phase: Phase;
  readonly since: Millis;
  readonly because: string;
  /** Which rule decided what this node is now. */
  readonly rule: Rule;
  /** Number of our last claim. */
  readonly epoch: number;
  readonly highestEpoch: number;
  readonly peer: PeerView | null;
  /** When the peer was last heard in this run, though it has been forgotten since; before, the start. */
  readonly wordAt: Millis;
  /** Silence of a never-heard peer is counted from here, for `patience` milliseconds. */
  readonly listeningSince: Millis;
  readonly patience: number;
  /** Silence needed besides, after a stall in which the peer may have taken a longer lease; 0 = none. */
  readonly caution: number;
  /** At least this long is the lease of an adopting node until it knows whether the peer lives. */
  readonly inheritedMs: number;
  readonly ready: boolean;
  readonly faults: number;
  /** Of the faults, ping nodes that do not answer. */
  readonly pingsLost: number;
  /** No link that carries floating IPs has a carrier: nobody can be served, nobody be heard. */
  readonly isolated: boolean;
  /** Since when the peer would be the better active; null = it would not. */
  readonly worseSince: Millis | null;
  /** Moves of the role by health; the peer's count as well. */
  readonly flaps: FlapMemory;
  /** That health would move the role, and may not, has been told in this hold. */
  readonly heldBetter: boolean;
  /** Since when both are passive; null = they are not. */
  readonly vacantSince: Millis | null;
  /** Hand-over under way: when it is given up, and why it was begun. */
  readonly handOver: {
    readonly until: Millis;
    /** When the offer was taken back, because nobody was heard to take it; null = it stands. */
    readonly retractedAt: Millis | null;
    readonly because: string;
    readonly rule: Rule;
    readonly stopping: boolean;
    readonly forHealth: boolean;
  } | null;
  /** Our wish to become active, sent with each advert. */
  readonly request: {
    readonly since: Millis;
    readonly until: Millis;
    readonly because: string;
    readonly rule: Rule;
    readonly forHealth: boolean;
  } | null;
  readonly failbackHeldUntil: Millis;
  /** Faults that an operator knew of, or could have, when ordering this node to be active. */
  readonly tolerated: number;
  /** Whether the peer was alive when that was last told. */
  readonly toldAlive: boolean;
  /** The peer's silence has passed warntime. */
  readonly suspecting: boolean;
  /** When the last probe was sent. */
  readonly probedAt: number;
  /** What the witnesses say; null = nothing yet. */
  readonly witness: WitnessView | null;
  /** When they last said it, or the suspicion began: older than some rounds, it says nothing of now. */
  readonly witnessAt: number;
  /** When the last round of questions that counts was over. */
  readonly countedAt: number;
  /** Since when they are asked without a gap. */
  readonly askedSince: number;
  /** Rounds of this suspicion that were over, or under way, before that. */
  readonly roundsBefore: number;
  /** Why a take over that silence allows is held back; null = it is not. */
  readonly heldBack: string | null;
}

export type ElectionEvent =
  /** A keepalive is over: adverts are due. */
  | { readonly kind: "tick" }
  /** The time `nextDeadline` named has come. */
  | { readonly kind: "deadline" }
  /** This daemon was held up so long that its own clock is no measure of the peer's silence. */
  | { readonly kind: "stalled"; readonly lateMs: number }
  /** `old`: it had queued up while this node stood still, and says nothing of now but that the peer lived. */
  /** `met`: the first word of another run of the peer than was heard before. */
  | {
      readonly kind: "advert";
      readonly peer: PeerSaid;
      readonly old?: boolean;
      readonly met?: boolean;
    }
  | {
      readonly kind: "local";
      readonly ready: boolean;
      readonly faults: number;
      readonly pingsLost: number;
      readonly isolated: boolean;
    }
  | { readonly kind: "witness"; readonly view: WitnessView }
  | { readonly kind: "make-active"; readonly designation: Designation; readonly by: string }
  | { readonly kind: "clear-flaps"; readonly by: string }
  | { readonly kind: "lease-lost"; readonly why: string }
  | { readonly kind: "stop"; readonly why: string };

export type Step = readonly [ElectionState, readonly Effect[]];

/** A hand-over that the peer does not answer is rolled back after this many keepalives, at least. */
export const HAND_OVER_KEEPALIVES = 5;
/** An active peer that goes on saying for this many keepalives that it hears nothing cannot be told to stop. */
export const DEAF_KEEPALIVES = 2;
/** A node that is back and well for this many deadtimes asks to be active again, with auto-failback. */
export const FAILBACK_DEADTIMES = 10;
/** After an operator's order, auto-failback waits this long, or it would undo the order. */
export const FAILBACK_HOLD_MS = 3_600_000;

export const conditionOf = (state: ElectionState): Condition =>
  state.phase === "active" || state.phase === "handing-over" ? "active" : "passive";

/**
 * The number of a claim above all that are known. At the end of what an advert can say it stays there
 * (only the holder of the pair's key can have brought it there), and the designation decides.
 */
export const epochAbove = (highest: number): number =>
  Math.min(highest + 1, Number.MAX_SAFE_INTEGER);

export const other = (designation: Designation): Designation =>
  designation === "primary" ? "secondary" : "primary";

/** Whether this node offers its role to the peer. */
export const yields = ({ phase, handOver }: ElectionState): boolean =>
  phase === "handing-over" && handOver?.retractedAt === null;

export function startElection(
  now: Millis,
  settings: ElectionSettings,
  seen: number,
): ElectionState {
  return {
    phase: "starting",
    since: now,
    because: "started",
    rule: "started",
    epoch: 0,
    highestEpoch: seen,
    peer: null,
    wordAt: now,
    listeningSince: now,
    patience: settings.paired ? settings.initdead : 0,
    caution: 0,
    inheritedMs: 0,
    ready: false,
    faults: 0,
    pingsLost: 0,
    isolated: false,
    worseSince: null,
    flaps: NO_FLAPS,
    heldBetter: false,
    vacantSince: null,
    handOver: null,
    request: null,
    failbackHeldUntil: now,
    tolerated: 0,
    toldAlive: false,
    suspecting: false,
    probedAt: Number.NEGATIVE_INFINITY,
    witness: null,
    witnessAt: now,
    countedAt: now,
    askedSince: now,
    roundsBefore: 0,
    heldBack: null,
  };
}

/** A daemon that starts while its lease runs and its epoch is the highest known goes on as it was. */
export const adoptElection = (
  now: Millis,
  settings: ElectionSettings,
  epoch: number,
  inheritedMs: number,
): ElectionState => ({
  ...startElection(now, settings, epoch),
  phase: "active",
  because: "adopted the lease of the run before",
  epoch,
  inheritedMs,
  ready: true,
});

/** Whether the peer's claim beats ours: epoch first, then primary before secondary. */
export const peerWins = (
  state: ElectionState,
  settings: ElectionSettings,
  peerEpoch: number,
): boolean =>
  peerEpoch > state.epoch || (peerEpoch === state.epoch && settings.designation === "secondary");

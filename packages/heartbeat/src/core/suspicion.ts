// suspicion.ts — a peer that is late: it is probed, witnesses are asked, and its death is decided on both.
//
// Past warntime silence is not waited out: probes ask on every path for an answer at once, so death is
// decided on many samples, and a lossy network causes no failover. Before a claim by silence the
// networks of the floating IPs are asked: an address that still answers has an owner that lives.
import type { Millis } from "@lbpair/common";
import {
  conditionOf,
  type ElectionSettings,
  type ElectionState,
  type Step,
} from "./election-state.js";
import { silenceNeeded, silentSince } from "./silence.js";
import { answerCounts, type WitnessView, witnessInterval } from "./witness-view.js";

/** Probes between warntime and deadtime. */
const PROBES = 16;
const PROBE_MS_MIN = 4;

/** From one probe to the next, in milliseconds. */
export const probeInterval = ({ deadtime, warntime }: ElectionSettings): number =>
  Math.max(PROBE_MS_MIN, (deadtime - warntime) / PROBES);

/** When the present silence becomes suspicious; undefined where nobody's silence counts. */
function suspectAt(state: ElectionState, settings: ElectionSettings): number | undefined {
  if (!settings.paired || state.isolated) return undefined;
  if (state.peer !== null) return silentSince(state) + settings.warntime;
  if (conditionOf(state) === "active") return undefined;
  // Never heard: the witnesses are asked in time before the claim.
  const notice = settings.deadtime - settings.warntime;
  return silentSince(state) + Math.max(0, silenceNeeded(state, settings) - notice);
}

/** Whether nothing that may be queued could change what a tick decides now: reading it costs turns of the loop. */
export const isCalm = (state: ElectionState, settings: ElectionSettings, now: Millis): boolean =>
  state.peer !== null &&
  now - silentSince(state) < settings.warntime &&
  state.handOver === null &&
  state.request === null &&
  state.vacantSince === null;

/** Probing ends where silence has been judged; the keepalives' adverts go on. */
const probesEnd = (state: ElectionState, settings: ElectionSettings): number =>
  silentSince(state) + Math.max(settings.deadtime, silenceNeeded(state, settings));

/** Why a take over waits where this node itself was away: for a moment only, and nothing to tell. */
export const NOT_ASKED = "no witness has been asked yet";

/** Between two words of the witnesses: longer, and this node itself was away. */
const gapMs = (settings: ElectionSettings): number => 2 * witnessInterval(settings);

/** Witnesses that have said nothing for some rounds were not heard: this node itself was away. */
function askedAnew(state: ElectionState, settings: ElectionSettings, now: Millis): ElectionState {
  const { witness } = state;
  if (witness === null || now - state.witnessAt <= gapMs(settings)) return state;
  // The round that is under way began before.
  return { ...state, witnessAt: now, askedSince: now, roundsBefore: witness.rounds + 1 };
}

/** What the witnesses say now. */
export function witnessed(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  view: WitnessView,
): ElectionState {
  const gap = state.witness !== null && now - state.witnessAt > gapMs(settings);
  const counted = state.witness === null || view.rounds > state.witness.rounds;
  const countedAt = counted ? now : state.countedAt;
  const seen = { ...state, witness: view, witnessAt: now, countedAt };
  return gap ? { ...seen, askedSince: now, roundsBefore: view.rounds } : seen;
}

/** Begins or ends the suspicion, and probes when a probe is due. */
export function suspicion(state: ElectionState, settings: ElectionSettings, now: Millis): Step {
  const at = suspectAt(state, settings);
  if (at === undefined || now < at) {
    return [state.suspecting ? { ...state, suspecting: false, witness: null } : state, []];
  }
  const begun: ElectionState = state.suspecting
    ? askedAnew(state, settings, now)
    : {
        ...state,
        suspecting: true,
        witness: null,
        witnessAt: now,
        countedAt: now,
        askedSince: now,
        roundsBefore: 0,
      };
  const due = now - state.probedAt >= probeInterval(settings) && now <= probesEnd(state, settings);
  return due ? [{ ...begun, probedAt: now }, [{ kind: "probe" }]] : [begun, []];
}

/** When suspicion needs to be looked at next; undefined = not by itself. */
export function suspicionDue(state: ElectionState, settings: ElectionSettings): number | undefined {
  const at = suspectAt(state, settings);
  if (at === undefined) return undefined;
  if (!state.suspecting) return at;
  const next = Math.max(at, state.probedAt + probeInterval(settings));
  return next <= probesEnd(state, settings) ? next : undefined;
}

/**
 * Why a take over that silence allows has to wait; null = it need not. An operator's order overrules
 * what this node lacks, never a floating IP that is answered by the peer.
 */
export function reasonToWait(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
): string | null {
  const { witness, peer } = state;
  if (!settings.paired) return null;
  // This node was away when the suspicion should have begun: witnesses are asked only now.
  if (witness === null) return now - state.askedSince <= settings.deadtime ? NOT_ASKED : null;
  if (!witness.able) return null;
  const overdue = now - silentSince(state) - silenceNeeded(state, settings);
  const patient = overdue <= settings.deadtime;
  if (answers(state, settings, now) && (patient || settings.whenVipAnswers === "wait")) {
    return "a floating IP is still answered by the peer: its heartbeat path is broken, not the peer";
  }
  const asked = roundsAsked(state) > 0 && now - state.countedAt <= gapMs(settings);
  if (!asked && (patient || now - state.askedSince <= settings.deadtime)) {
    return NOT_ASKED;
  }
  // A network on which nobody is heard any more is a fault that the links do not show.
  const worse = peer !== null && Math.max(state.faults, witness.cut) > peer.faults;
  const ordered = state.request !== null && !state.request.forHealth;
  if (witness.cut > 0 && worse && !ordered && settings.whenIsolated === "wait") {
    return `this node is cut off from ${witness.cut} of the floating IPs' networks, where the peer was not`;
  }
  return null;
}

/** Rounds of questions that began and ended without a gap in between. */
export const roundsAsked = ({ witness, roundsBefore }: ElectionState): number =>
  witness === null ? 0 : Math.max(0, witness.rounds - roundsBefore);

/** Whether the peer itself answers for a floating IP. */
export const answers = (
  { witness }: ElectionState,
  settings: ElectionSettings,
  now: Millis,
): boolean =>
  witness !== null &&
  witness.peerAnsweredAt !== null &&
  now - witness.peerAnsweredAt <= answerCounts(settings);

/**
 * When a hand-over is next to be given up: first its offer is taken back, then the role. A peer that is
 * late may not have heard the offer: waiting longer, it would claim just when this node goes back.
 */
export function handOverEnds(state: ElectionState, settings: ElectionSettings): number {
  const { handOver, suspecting } = state;
  if (handOver === null) return Number.POSITIVE_INFINITY;
  const { until, retractedAt } = handOver;
  if (retractedAt !== null) {
    const ends = retractedAt + answerCounts(settings);
    // Until the peer is heard again, or is late: only then it is known who has the next turn.
    const known = suspecting || heardSince(state, retractedAt);
    return known ? ends : Math.max(ends, silentSince(state) + settings.warntime);
  }
  return suspecting ? Math.min(until, silentSince(state) + settings.warntime) : until;
}

/** Whether the peer was heard after a moment. */
export const heardSince = ({ peer }: ElectionState, moment: number): boolean =>
  peer !== null && peer.heardAt > moment;

/** When this passive node may next claim by silence; undefined = only after an event. */
function claimDue(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
): number | undefined {
  const due = silentSince(state) + silenceNeeded(state, settings);
  if (now < due || reasonToWait(state, settings, now) === null) return due;
  const times = [due + settings.deadtime, state.askedSince + settings.deadtime];
  const answered = state.witness?.peerAnsweredAt ?? null;
  if (answered !== null) times.push(answered + answerCounts(settings));
  const ahead = times.filter((time) => time >= now);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}

/** When a tick is due besides the keepalive's; undefined = nothing is pending. */
export function nextDeadline(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
): number | undefined {
  const deadlines: number[] = [];
  // A node that may not claim has nothing to wake up for; what lets it claim wakes it as well.
  const able = state.ready && !state.isolated && settings.paired;
  if (conditionOf(state) === "passive" && able) {
    const due = claimDue(state, settings, now);
    if (due !== undefined) deadlines.push(due);
  }
  const suspected = suspicionDue(state, settings);
  if (suspected !== undefined) deadlines.push(suspected);
  if (state.handOver !== null) deadlines.push(handOverEnds(state, settings));
  if (state.request !== null) deadlines.push(state.request.until);
  return deadlines.length === 0 ? undefined : Math.min(...deadlines) + 1;
}

// transition-notes.ts — what happens between two transitions and may turn out to have caused the next one.
import type { Millis } from "@lbpair/common";
import type { Effect } from "./effects.js";
import {
  conditionOf,
  type ElectionEvent,
  type ElectionState,
  type PeerView,
} from "./election-state.js";
import type { WitnessView } from "./witness-view.js";

/** Notes remembered; a decision takes the latest of them. */
export const TRANSITION_NOTES_MAX = 64;

export interface Note {
  readonly at: Millis;
  readonly what: string;
  readonly text: string;
}

const faults = (count: number): string => `${count} fault${count === 1 ? "" : "s"}`;

const yes = (value: boolean, is: string, not: string): string => (value ? is : not);

function peerNotes(before: PeerView | null, after: PeerView): [string, string][] {
  const found: [string, string][] = [];
  if (before === null) return found;
  if (after.faults !== before.faults) {
    found.push(["peer-health", `the peer has ${faults(after.faults)}, ${before.faults} before`]);
  }
  if (after.ready !== before.ready) {
    found.push(["peer-ready", `the peer says it is ${yes(after.ready, "ready", "not ready")}`]);
  }
  if (after.requesting && !before.requesting) {
    found.push(["peer-request", "the peer asks to be active"]);
  }
  if (after.yielding && !before.yielding) {
    found.push(["peer-yields", "the peer asks this node to take over"]);
  }
  if (after.active !== before.active) {
    const claim = `is active by claim ${after.epoch}`;
    found.push(["peer-claim", `the peer says it ${yes(after.active, claim, "is passive")}`]);
  } else if (after.active && after.epoch > before.epoch) {
    found.push(["peer-claim", `the peer claims again as ${after.epoch}`]);
  }
  if (after.deaf !== before.deaf) {
    found.push(["peer-hears", `the peer ${yes(after.deaf, "hears nothing of us", "hears us")}`]);
  }
  return found;
}

function localNotes(before: ElectionState, after: ElectionState): [string, string][] {
  const found: [string, string][] = [];
  if (after.faults !== before.faults) {
    found.push(["health", `this node has ${faults(after.faults)}, ${before.faults} before`]);
  }
  if (after.ready !== before.ready) {
    found.push(["ready", `this node is ${yes(after.ready, "ready", "not ready any more")}`]);
  }
  if (after.isolated !== before.isolated) {
    const text = yes(after.isolated, "no network has a carrier here", "a network has a carrier");
    found.push(["carrier", text]);
  }
  return found;
}

function witnessNotes(before: WitnessView | null, view: WitnessView): [string, string][] {
  const found: [string, string][] = [];
  if (!view.able && before === null) found.push(["witness", "no witness can be asked here"]);
  if (view.peerAnsweredAt !== null && (before?.peerAnsweredAt ?? null) === null) {
    found.push(["witness", "a floating IP is answered by the peer itself"]);
  }
  if (view.cut !== (before?.cut ?? 0)) {
    found.push([
      "witness",
      `this node could not serve on ${view.cut} of the floating IPs' networks`,
    ]);
  }
  if (view.stranger !== null && (before?.stranger ?? null) === null) {
    const { address, mac } = view.stranger;
    found.push(["witness", `${address} is answered by a stranger, ${mac}`]);
  }
  return found;
}

function eventNotes(before: ElectionState, event: ElectionEvent): [string, string][] {
  switch (event.kind) {
    case "witness":
      return witnessNotes(before.witness, event.view);
    case "make-active":
      return [["order", `${event.by} orders the ${event.designation} to be active`]];
    case "stop":
      return [["order", event.why]];
    default:
      return [];
  }
}

/** Events of the election that are told as they are. */
const TOLD: ReadonlySet<string> = new Set([
  "peer-silent",
  "peer-heard",
  "take-over-held-back",
  "flaps-held",
  "flaps-hold-back",
]);

/** What a step of the election is worth noting for; nothing for almost all of them. */
export function notesOf(
  before: ElectionState,
  event: ElectionEvent,
  after: ElectionState,
  effects: readonly Effect[],
): [string, string][] {
  const found = eventNotes(before, event);
  const { peer } = after;
  if (peer !== null && peer !== before.peer) found.push(...peerNotes(before.peer, peer));
  if (after.request !== null && before.request === null) {
    found.push(["wish", `this node asks to be active: ${after.request.because}`]);
  }
  if (after.suspecting && !before.suspecting && conditionOf(after) === "passive") {
    found.push(["suspect", "silence passes warntime: the peer is asked to answer at once"]);
  }
  found.push(...localNotes(before, after));
  for (const effect of effects) {
    if (effect.kind === "record" && TOLD.has(effect.event)) found.push([effect.event, effect.text]);
  }
  return found;
}

/** The latest notes, in order of time. */
export class Notes {
  private notes: Note[] = [];

  add(note: Note): void {
    this.notes.push(note);
    if (this.notes.length > 2 * TRANSITION_NOTES_MAX) {
      this.notes = this.notes.slice(-TRANSITION_NOTES_MAX);
    }
  }

  since(from: Millis): readonly Note[] {
    return this.notes.slice(-TRANSITION_NOTES_MAX).filter(({ at }) => at >= from);
  }
}

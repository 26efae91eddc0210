// transition-record.ts — the causal record of each change of this node's role, put together as it happens.
//
// It is shown every step of the election and every effect that is performed, and decides nothing.
import type { Millis, TransitionEffect, TransitionMark, TransitionRecord } from "@lbpair/common";
import type { Effect } from "./effects.js";
import { conditionOf, type ElectionEvent, type ElectionState } from "./election-state.js";
import { type Note, Notes, notesOf, TRANSITION_NOTES_MAX } from "./transition-notes.js";

/** What happened within this time before a decision is told with it. */
export const TRANSITION_BEFORE_MS_MAX = 30_000;
/** What follows a decision within this time belongs to it. */
export const TRANSITION_AFTER_MS_MAX = 60_000;
/** Marks of one record, before and after the decision each. */
export const TRANSITION_MARKS_MAX = 24;
/** Effects of one record. */
export const TRANSITION_EFFECTS_MAX = 32;

/** What only the shell knows when a decision falls. */
export type TransitionFacts = Pick<TransitionRecord, "at" | "clock" | "paths"> & {
  readonly situation: Pick<
    TransitionRecord["situation"],
    "lateMaxMs" | "lateP99Ms" | "timings" | "floatingIps"
  >;
  readonly peerLatenessMs: number | null;
};

export interface TransitionRecorderOptions {
  readonly who: Pick<TransitionRecord, "node" | "designation" | "peerName">;
  /** Number of the first record. */
  readonly nextSeq: number;
  readonly describe: () => TransitionFacts;
  /** Called again with the same `seq` whenever a record has grown. */
  readonly emit: (record: TransitionRecord) => void;
}

interface Open {
  readonly at: Millis;
  record: TransitionRecord;
  marksAfter: number;
}

/** Effects that say nothing of how a switch went. */
const UNTOLD: ReadonlySet<string> = new Set([
  "record",
  "reply",
  "exit",
  "probe",
  "suspect",
  "trust",
]);

const tenth = (value: number): number => Math.round(value * 10) / 10;

/** When that which led to a decision began. */
function beganAt(before: ElectionState, after: ElectionState, now: Millis): Millis {
  switch (after.rule) {
    case "silence":
    case "isolated":
      return before.peer?.heardAt ?? now;
    case "lone":
      return before.listeningSince;
    case "vacant":
      return before.vacantSince ?? now;
    case "order":
    case "failback":
      return before.request?.since ?? now;
    case "health":
      return before.worseSince ?? now;
    default:
      return now;
  }
}

/** Which change of the role a step made; undefined = none. */
function kindOf(
  before: ElectionState,
  after: ElectionState,
  effects: readonly Effect[],
): TransitionRecord["kind"] | undefined {
  const [was, is] = [conditionOf(before), conditionOf(after)];
  if (was === "passive" && is === "active") return "claim";
  if (before.phase === "active" && after.phase === "handing-over") return "hand-over";
  if (was === "active" && is === "passive") return "stand-down";
  // Two were active, and this one claims above both.
  const again = is === "active" && before.phase === "active" && after.epoch > before.epoch;
  return again && effects.some(({ kind }) => kind === "grant-lease") ? "claim" : undefined;
}

export class TransitionRecorder {
  private readonly options: TransitionRecorderOptions;
  private readonly notes = new Notes();
  private readonly effects = new Map<Effect, { readonly open: Open; readonly index: number }>();
  private seq: number;
  private open: Open | undefined;
  private sent = 0;
  private answeredAt: Millis[] = [];
  private steppedAt: Millis | undefined;
  private stalledUntil = Number.NEGATIVE_INFINITY;

  constructor(options: TransitionRecorderOptions) {
    this.options = options;
    this.seq = options.nextSeq;
  }

  /** Something happened that may explain a decision, before it or after it. */
  note(what: string, text: string, at: Millis, now: Millis = at): void {
    this.notes.add({ at, what, text });
    this.mark({ at, what, text }, now);
  }

  /** A consequence of the latest transition, of which only the first is worth telling. */
  once(what: string, text: string, now: Millis): void {
    const told = this.open?.record.marks.some((mark) => mark.what === what && mark.atMs >= 0);
    if (told !== true) this.mark({ at: now, what, text }, now);
  }

  /** To be called after every step of the election, with the very effects that will be performed. */
  stepped(
    before: ElectionState,
    event: ElectionEvent,
    after: ElectionState,
    effects: readonly Effect[],
    now: Millis,
  ): void {
    if (event.kind === "stalled" || event.kind === "lease-lost") this.noteStall(event, now);
    this.steppedAt = now;
    if (effects.some((effect) => effect.kind === "probe")) this.sent += 1;
    for (const [what, text] of notesOf(before, event, after, effects)) this.note(what, text, now);
    const kind = kindOf(before, after, effects);
    const { open } = this;
    const wasHandingOver = before.phase === "handing-over" && after.phase !== "handing-over";
    if (wasHandingOver && open?.record.kind === "hand-over" && open.record.outcome === "pending") {
      this.settle(open, after, effects, now);
    } else if (kind !== undefined) this.begin(kind, before, after, effects, now);
    if (before.suspecting && !after.suspecting) this.endSuspicion(event, now);
  }

  /** This node came back, as `state` says why, without the lease of its earlier run, whose claim it gives up. */
  restarted(state: ElectionState, epoch: number, effects: readonly Effect[], now: Millis): void {
    this.begin("stand-down", { ...state, phase: "active", epoch }, state, effects, now);
  }

  private endSuspicion(event: ElectionEvent, now: Millis): void {
    this.sent = 0;
    if (event.kind !== "advert") return;
    const from = now - TRANSITION_BEFORE_MS_MAX;
    this.answeredAt = [...this.answeredAt.slice(-TRANSITION_NOTES_MAX), now].filter(
      (at) => at >= from,
    );
  }

  /** What this node missed while it did nothing explains more than the moment it noticed. */
  private noteStall(event: ElectionEvent, now: Millis): void {
    const since = this.steppedAt ?? now;
    const lateMs = event.kind === "stalled" ? event.lateMs : now - since;
    // One pause is noticed more than once: by the lease that ended, and by the beat that came late.
    if (lateMs < 1 || now - lateMs < this.stalledUntil) return;
    this.stalledUntil = now;
    const text = `this node did nothing for ${Math.round(lateMs)} ms`;
    this.note("stall", text, (now - lateMs) as Millis, now);
  }

  /** An effect's turn has come. */
  began(effect: Effect, now: Millis): void {
    const found = this.effects.get(effect);
    if (found === undefined) return;
    this.change(found.open, found.index, { atMs: tenth(now - found.open.at) });
  }

  ended(effect: Effect, now: Millis, error?: string): void {
    const found = this.effects.get(effect);
    if (found === undefined) return;
    this.effects.delete(effect);
    const begun = found.open.record.effects[found.index]?.atMs ?? 0;
    const tookMs = tenth(Math.max(0, now - found.open.at - begun));
    this.change(found.open, found.index, error === undefined ? { tookMs } : { tookMs, error });
    this.emit(found.open);
  }

  private begin(
    kind: TransitionRecord["kind"],
    before: ElectionState,
    after: ElectionState,
    effects: readonly Effect[],
    now: Millis,
  ): void {
    const { who, describe } = this.options;
    const { situation, peerLatenessMs, ...facts } = describe();
    const peer = after.peer ?? before.peer;
    const held = kind === "claim" ? before.peer : peer;
    const marks = this.notes
      .since((now - TRANSITION_BEFORE_MS_MAX) as Millis)
      .slice(-TRANSITION_MARKS_MAX)
      .map((note) => this.placed(note, now));
    const stall =
      after.rule === "lease-lost" ? marks.findLast((mark) => mark.what === "stall") : undefined;
    const open: Open = {
      at: now,
      marksAfter: 0,
      record: {
        seq: this.seq,
        ...who,
        kind,
        rule: after.rule,
        because: after.handOver?.because ?? after.because,
        ...facts,
        from: conditionOf(before),
        to: kind === "claim" ? "active" : "passive",
        outcome: kind === "hand-over" ? "pending" : "done",
        epoch: `${kind === "claim" ? after.epoch : before.epoch}`,
        otherEpoch: held?.active === true ? `${held.epoch}` : null,
        beganMs: stall?.atMs ?? tenth(Math.min(0, beganAt(before, after, now) - now)),
        situation: {
          ready: before.ready,
          faults: before.faults,
          ...situation,
          peer:
            peer === null
              ? null
              : {
                  active: peer.active,
                  ready: peer.ready,
                  faults: peer.faults,
                  epoch: `${peer.epoch}`,
                  leaseMs: peer.leaseMs,
                  latenessMs: peerLatenessMs,
                },
        },
        probes: {
          sent: this.sent,
          answeredBefore: this.answeredAt.filter((at) => now - at <= TRANSITION_BEFORE_MS_MAX)
            .length,
        },
        marks,
        effects: [],
      },
    };
    this.seq += 1;
    this.open = open;
    this.expect(open, effects);
    this.emit(open);
  }

  /** A hand-over is over: the peer's claim was heard, or the wait for it was. */
  private settle(open: Open, after: ElectionState, effects: readonly Effect[], now: Millis): void {
    const done = conditionOf(after) === "passive";
    const heard = after.peer?.active === true ? `${after.peer.epoch}` : open.record.otherEpoch;
    const outcome = done ? ("done" as const) : ("rolled-back" as const);
    const otherEpoch = done ? heard : open.record.otherEpoch;
    open.record = { ...open.record, outcome, otherEpoch };
    if (!done) this.mark({ at: now, what: "rolled-back", text: after.because }, now);
    this.expect(open, effects);
    this.emit(open);
  }

  private expect(open: Open, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (UNTOLD.has(effect.kind)) continue;
      const index = open.record.effects.length;
      if (index >= TRANSITION_EFFECTS_MAX) return;
      const atMs = 0;
      const waiting: TransitionEffect = { what: effect.kind, atMs, tookMs: null };
      open.record = { ...open.record, effects: [...open.record.effects, waiting] };
      this.effects.set(effect, { open, index });
    }
  }

  private change(open: Open, index: number, fields: Partial<TransitionEffect>): void {
    const effects = open.record.effects.map((effect, i) =>
      i === index ? { ...effect, ...fields } : effect,
    );
    open.record = { ...open.record, effects };
  }

  private placed(note: Note, decidedAt: Millis): TransitionMark {
    return { atMs: tenth(note.at - decidedAt), what: note.what, text: note.text };
  }

  private mark(note: Note, now: Millis): void {
    const { open } = this;
    if (open === undefined || now - open.at > TRANSITION_AFTER_MS_MAX) return;
    if (open.marksAfter >= TRANSITION_MARKS_MAX) return;
    open.marksAfter += 1;
    const marks = [...open.record.marks, this.placed(note, open.at)];
    open.record = { ...open.record, marks: marks.sort((a, b) => a.atMs - b.atMs) };
    this.emit(open);
  }

  private emit(open: Open): void {
    this.options.emit(open.record);
  }
}

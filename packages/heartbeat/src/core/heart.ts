// heart.ts — one node's heartbeat: what it does with everything that happens, and in what order.
// long: one node's whole reaction to what happens, in one place.
//
// The daemon and the simulation run this very code. It knows no clock, socket, process or promise: what
// takes time answers through a callback, and what has to be done is asked of its ports.
import type { Condition, Millis } from "@lbpair/common";
import { type Advert, hearsNothing } from "./advert.js";
import { Backlog } from "./backlog.js";
import type { Received } from "./conversation.js";
import type { Effect, QueuedEffect } from "./effects.js";
import { step } from "./election.js";
import {
  conditionOf,
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  peerSaid,
} from "./election-state.js";
import { LastSaid } from "./last-said.js";
import { Lateness } from "./lateness.js";
import { ANSWER_MS_MIN, meetingSteps, OutOfTurn } from "./out-of-turn.js";
import type { HeartPorts, HeldLength, Kept } from "./ports.js";
import { leaseLength, refreshedLength } from "./silence.js";
import { Standstill } from "./standstill.js";
import { stillWanted } from "./still-wanted.js";
import { isCalm, nextDeadline } from "./suspicion.js";
import type { WitnessView } from "./witness-view.js";

/** From one upkeep to the next, in milliseconds. */
export const UPKEEP_MS = 1000;

/** A gap between two signs of this node's own life that makes it a pause: beats come each keepalive. */
const PAUSE_KEEPALIVES = 1.5;

export class Heart {
  readonly lateness = new Lateness();
  state: ElectionState;
  settings: ElectionSettings;
  private readonly ports: HeartPorts;
  private readonly standstill: Standstill;
  private started = false;
  private lastUpkeepAt: number;
  private readonly meetings = meetingSteps();
  private readonly answers = new OutOfTurn(ANSWER_MS_MIN);
  private readonly said: LastSaid;
  /** When this node last did anything: a longer gap than its keepalives is a pause. */
  private aliveAt: number;
  private readonly backlog = new Backlog();
  /** Addresses are to be raised once all is heard that came while this node stood still. */
  private owesRaise = false;

  constructor(ports: HeartPorts, settings: ElectionSettings, state: ElectionState) {
    const now = ports.now();
    this.ports = ports;
    this.settings = settings;
    this.state = state;
    this.standstill = new Standstill(ports.lease, () => ports.suspendedMs());
    this.lastUpkeepAt = now;
    this.said = new LastSaid(ports);
    this.aliveAt = now;
  }

  get condition(): Condition {
    return conditionOf(this.state);
  }

  /** Length of the lease that is right now. */
  get leaseLength(): HeldLength {
    return leaseLength(this.state, this.settings, this.ports.now()) ?? "unlimited";
  }

  /** From now on what is heard counts. */
  start(state: ElectionState): void {
    const now = this.ports.now();
    const listens = state.phase === "starting";
    this.state = listens ? { ...state, listeningSince: now, wordAt: now } : state;
    this.aliveAt = now;
    this.started = true;
  }

  dispatch(event: ElectionEvent): void {
    const { ports, state: before } = this;
    const now = ports.now();
    const [after, effects] = step(before, event, now, this.settings);
    this.state = after;
    // At once: their turn may be behind a slow `ip`. It is done again in turn, where a failure is told.
    if (effects.some(({ kind }) => kind === "revoke-lease")) {
      ports.stopAnnouncing();
      ports.lease.revokeAtOnce();
    }
    ports.perform(effects.filter((effect): effect is QueuedEffect => !this.doneAtOnce(effect)));
    ports.stepped({ event, before, after, effects, now });
    ports.wakeAt(nextDeadline(after, this.settings, now));
  }

  /** What touches neither kernel nor disk does not wait in turn. */
  private doneAtOnce(effect: Effect): effect is Exclude<Effect, QueuedEffect> {
    switch (effect.kind) {
      case "probe":
        if (this.acknowledged) this.say(true);
        return true;
      case "suspect":
        this.ports.suspect();
        return true;
      case "trust":
        this.ports.trust();
        return true;
      default:
        return false;
    }
  }

  /** Sends a round of adverts; in a suspicion each asks for an answer. */
  say(probing = this.state.suspecting): void {
    this.said.note(this.state);
    this.ports.say(probing);
  }

  /** Whether what an advert would say is so in the kernel. */
  get acknowledged(): boolean {
    return (this.state.phase === "active") === this.ports.lease.held;
  }

  /** Before anything else is done after a pause: a lease that ended while this node stood still is gone. */
  noticeStandstill(): void {
    const now = this.ports.now();
    const gapMs = this.started ? now - this.aliveAt : 0;
    this.aliveAt = now;
    const ended = this.standstill.notice(now, this.settings.lease);
    // What its clock does not show of a sleep makes the mail in its queue old all the same.
    const awayMs = gapMs + this.standstill.sleptMs;
    const paused = awayMs > PAUSE_KEEPALIVES * this.settings.keepalive;
    // A claim whose lease was not given before the pause is as old as the pause.
    const stale = paused && !this.ports.lease.held;
    const why = ended ?? (stale ? "this daemon stood still while it claimed" : undefined);
    if (why !== undefined) this.dispatch({ kind: "lease-lost", why });
    // Its own clock slept too, or its witnesses were not heard: the silence that it shows is none.
    const lateMs = Math.max(this.standstill.sleptMs, gapMs - this.settings.keepalive);
    if (paused) this.dispatch({ kind: "stalled", lateMs });
    else this.judgeLateness(lateMs);
    if (!paused || this.backlog.open) return;
    this.backlog.begin();
    this.ports.drain(() => this.readBacklog());
  }

  private readBacklog(): void {
    const newest = this.backlog.close();
    if (newest !== null) this.hear(newest, false, true);
    const { owesRaise } = this;
    this.owesRaise = false;
    if (owesRaise && this.condition === "active") {
      this.ports.perform([{ kind: "raise" }, { kind: "announce" }]);
    }
  }

  /**
   * Whether an effect that has waited is still wanted; no lease is given on a claim of before a pause, and no
   * address is raised before what came meanwhile was heard: those that ended were free to be claimed,
   * though the lease runs on.
   */
  wants(effect: QueuedEffect): boolean {
    if (effect.kind === "grant-lease") {
      this.noticeStandstill();
      if (this.said.claimWaits(this.settings)) {
        this.dispatch({ kind: "lease-lost", why: "its claim waited too long for its kernel" });
      }
    }
    if (effect.kind === "raise") {
      this.noticeStandstill();
      this.owesRaise ||= this.backlog.open;
      if (this.backlog.open) return false;
    }
    return stillWanted(effect, this.state, this.acknowledged && !this.said.again(this.state));
  }

  /**
   * Hears what is queued, then judges how late it is by now: the pause may have come in between. `then`
   * is called even where that fails: it answers somebody, or the next beat waits for it.
   */
  private drainLate(lateMs: number, then: () => void): void {
    this.noticeStandstill();
    const begun = this.ports.now();
    const calm = !this.backlog.open && isCalm(this.state, this.settings, begun);
    if (calm && lateMs <= this.settings.keepalive / 4) then();
    else this.drainAll(lateMs, begun, then);
  }

  private drainAll(lateMs: number, begun: Millis, then: () => void): void {
    this.ports.drain(() => {
      try {
        this.readBacklog();
        this.judgeLateness(lateMs + this.ports.now() - begun);
      } finally {
        then();
      }
    });
  }

  private judgeLateness(lateMs: number): void {
    if (lateMs > 2 * this.settings.keepalive) this.dispatch({ kind: "stalled", lateMs });
  }

  /** A keepalive is over, `lateMs` ago: what is queued is heard, the lease kept, then adverts go out. */
  keepalive(lateMs: number, done: () => void): void {
    const { lease } = this.ports;
    this.lateness.add(lateMs);
    const beat = (kept: Kept) => {
      // The next beat comes whatever happens in this one.
      try {
        this.onKept(kept);
        this.beat();
      } finally {
        done();
      }
    };
    this.drainLate(lateMs, () => {
      if (!lease.held || this.state.phase !== "active") return beat("held");
      const sinceSaid = this.ports.now() - this.said.at;
      lease.refresh(refreshedLength(this.leaseLength, this.settings, sinceSaid), beat);
    });
  }

  private onKept(kept: Kept): void {
    if (kept === "held") return;
    if (kept === "restored") {
      this.ports.record("alarm", "gate-restored", "the lease's table had been removed; it is back");
      return;
    }
    const why =
      kept === "lapsed"
        ? "the kernel had ended the lease"
        : `the kernel's gate did not come back: ${kept.failed}`;
    this.dispatch({ kind: "lease-lost", why });
  }

  private beat(): void {
    const { ports } = this;
    this.dispatch({ kind: "tick" });
    // Health is about to move the role: it must not be by news of the links that never came.
    if (this.state.worseSince !== null) ports.lookAtLinks();
    const now = ports.now();
    this.catchUp(now);
    if (now - this.lastUpkeepAt < UPKEEP_MS) return;
    this.lastUpkeepAt = now;
    // The kernel was told to be quiet, and did not say that it is: the peer waits for that.
    if (this.state.phase !== "active" && ports.lease.mayAnswerMs(now) > 0)
      ports.lease.revokeAtOnce();
    ports.tellCondition();
    ports.upkeep();
  }

  /** Behind a slow `ip` adverts wait: the peer would take this node for dead. They say what is so already. */
  private catchUp(now: Millis): void {
    const overdue = now - this.said.at > 1.5 * this.settings.keepalive;
    if ((overdue || this.said.owesLong(this.settings.lease)) && this.acknowledged) this.say();
  }

  /** The moment that was asked for has come, `lateMs` ago. */
  deadline(lateMs: number, done: () => void): void {
    this.drainLate(lateMs, () => {
      try {
        this.dispatch({ kind: "deadline" });
      } finally {
        done();
      }
    });
  }

  /** A datagram of the peer, judged by the conversation. */
  received(received: Received): void {
    if (!this.started) return;
    this.noticeStandstill();
    if (received.kind === "verdicts") {
      if (this.condition === "passive") this.ports.follow(received.verdicts);
      return;
    }
    if (received.kind === "hello" || received.kind === "challenge") this.meet(received.kind);
    if (received.kind !== "advert") return;
    const { advert, met } = received;
    if (met) this.meet("met");
    if (this.backlog.open) this.backlog.keep(advert);
    else this.hear(advert, hearsNothing(advert, this.settings.deadtime), false, met);
  }

  private hear(advert: Advert, deaf: boolean, old = false, met = false): void {
    // It says so only once its kernel answers; this node's does not yet, and must not any more.
    const claims = this.state.phase === "active" && !this.ports.lease.held;
    if (claims && advert.active && !advert.yielding) {
      const why = "the peer became active before the kernel had given this node its lease";
      this.dispatch({ kind: "lease-lost", why });
    }
    this.dispatch({ kind: "advert", peer: peerSaid(advert, deaf), old, met });
    if (advert.probing) this.answer();
    if (this.state.phase === "active" && !advert.active) {
      this.ports.offerVerdicts(advert.verdicts);
    }
  }

  /** Two runs that meet say so at once: waiting for the next keepalives could cost a take over. */
  private meet(step: keyof typeof this.meetings): void {
    if (!this.meetings[step].may(this.ports.now())) return;
    if (this.acknowledged) this.say();
    else this.ports.perform([{ kind: "send-adverts" }]);
  }

  /** The peer is in doubt whether this node lives. */
  private answer(): void {
    if (this.acknowledged && this.answers.may(this.ports.now())) this.say(false);
  }

  /** What the witnesses say, `lateMs` after they were to be heard: a judge that is late hears the peer first. */
  witnessed(view: WitnessView, lateMs = 0): void {
    this.drainLate(lateMs, () => this.dispatch({ kind: "witness", view }));
  }

  /** Before an order: it may be the first that is read after a pause, and silence is judged when all is heard. */
  hearAll(done: () => void): void {
    this.noticeStandstill();
    this.drainAll(0, this.ports.now(), done);
  }
}

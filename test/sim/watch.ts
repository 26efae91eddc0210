// watch.ts — looks at a life after every event and hands what it sees to each promise's own watch.
import { RENEWAL_MS_MIN, REPLAYS_BEFORE_RENEWAL, type Stepped } from "@lbpair/heartbeat";
import { AnswerWatch } from "./answer-watch.js";
import { BrokenPromise } from "./broken-promise.js";
import { ClaimWatch } from "./claim-watch.js";
import { FAULTS, type FaultName } from "./faults.js";
import type { Life } from "./life.js";
import type { Machine } from "./machine.js";
import { RoleWatch } from "./role-watch.js";
import type { Watcher } from "./world.js";

/** A keepalive and what a datagram, nft and a timer take where nothing is wrong. */
const ON_THE_WAY_MS = 50;

export class Watch implements Watcher {
  readonly life: Life;
  /** A life that is only played to have a machine of the past is not watched. */
  off = false;
  readonly answers: AnswerWatch;
  readonly claims: ClaimWatch;
  readonly roles: RoleWatch;
  /** Until when a machine whose clocks hid a pause may answer beside its peer. */
  exemptUntil = Number.NEGATIVE_INFINITY;
  /** Until when a machine reverted into an earlier run of its daemon may not be heard: that run is retired. */
  unheardUntil = Number.NEGATIVE_INFINITY;
  /** While a clone lives, and until it is forgotten, nothing is promised. */
  private cloneUntil = Number.NEGATIVE_INFINITY;

  constructor(life: Life) {
    this.life = life;
    this.answers = new AnswerWatch(this);
    this.claims = new ClaimWatch(this);
    this.roles = new RoleWatch(this);
  }

  /** Longest time from the end of the last fault to a pair with exactly one active. */
  get settleMs(): number {
    const { keepalive, deadtime } = this.life.world.timing;
    return 3 * deadtime + 10 * keepalive;
  }

  /** One keepalive, and what is on the way. */
  get hearMs(): number {
    return this.life.world.timing.keepalive + ON_THE_WAY_MS;
  }

  /** Longest time until a run that counts as old is heard again, by what it says. */
  private get renewalMs(): number {
    const { keepalive } = this.life.world.timing;
    return Math.max(RENEWAL_MS_MIN, REPLAYS_BEFORE_RENEWAL * keepalive) + 2 * keepalive;
  }

  get cloneAbout(): boolean {
    return this.life.world.now < this.cloneUntil;
  }

  fail(promise: string, text: string): never {
    throw new BrokenPromise(promise, this.life.world.now, text);
  }

  look(): void {
    const { now } = this.life.world;
    // While they cannot hear each other nothing is renewed, whether or not a clone is about.
    if (!this.off && now <= this.unheardUntil && !this.answers.theyHear) {
      this.unheardUntil = now + this.renewalMs;
    }
    if (!this.off && !this.cloneAbout) {
      this.answers.look();
      this.roles.look();
    }
    this.life.strikeWhereAimed();
  }

  stepped(machine: Machine, step: Stepped): void {
    if (this.off || this.cloneAbout) return;
    this.claims.stepped(machine, step);
    if (step.before.phase !== step.after.phase) this.roles.moved(machine, step);
  }

  saidTooEarly({ name }: Machine): void {
    if (this.off || this.cloneAbout) return;
    this.fail(
      "lease",
      `the ${name} says it is active before its kernel has acknowledged the lease`,
    );
  }

  delivered(): void {}

  answered(): void {}

  begins(name: FaultName, side: 0 | 1, state: string): void {
    if (!this.off) this.roles.begins(name, FAULTS[name], side, state);
  }

  ends(): void {
    this.roles.ends();
  }

  /** A machine goes on after a pause that its kernel did not see: what is left of the lease goes on too. */
  vmTrouble(machine: Machine): void {
    // A claim may have been under way: nothing tells this machine that its lease comes late.
    const until = machine.stoppedInClaim
      ? machine.now() + 2 * this.life.world.timing.lease
      : machine.kernel.leaseUntil;
    const leftMs = Math.max(0, until - machine.now());
    this.exemptUntil = Math.max(this.exemptUntil, this.life.world.now + leftMs + 1);
  }

  reverted(machine: Machine): void {
    this.vmTrouble(machine);
    // What it was about to claim it claims now, until it hears its peer.
    const { now, timing } = this.life.world;
    this.exemptUntil = Math.max(this.exemptUntil, now + 2 * timing.keepalive + 100);
    this.unheardUntil = now + this.renewalMs;
    this.claims.reverted(machine);
    this.roles.reverted();
  }

  cloned(): void {
    this.cloneUntil = Number.POSITIVE_INFINITY;
  }

  uncloned(): void {
    const { now, timing } = this.life.world;
    // Its run is retired in its peer's eyes, and so is the one that it was cloned from: that one is met by a renewal.
    this.cloneUntil = now + Math.max(this.settleMs, this.renewalMs + 3 * timing.deadtime);
    for (const machine of this.life.world.machines) this.claims.reverted(machine);
    this.roles.reverted();
  }

  atTheEnd(): void {
    this.roles.atTheEnd();
  }
}

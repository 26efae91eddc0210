// daemon-run.ts — one run of the daemon on a simulated machine: the real heart, with this world's ports.
//
// Real: heart, election, suspicion, conversation, session, codec, book of the lease, what is still wanted.
// The rest of the daemon is modelled here: pulse, start and adoption, upkeep, orders, ordered ends.
import { type Designation, type Millis, millis } from "@lbpair/common";
import {
  Heart,
  type HeartPorts,
  LeaseBook,
  RESTART_LEASE_MS,
  startElection,
} from "@lbpair/heartbeat";
import { DaemonMail } from "./daemon-mail.js";
import { startRun } from "./daemon-start.js";
import { EffectRunner } from "./effect-runner.js";
import type { Machine } from "./machine.js";
import { nftGate } from "./nft.js";
import { SimulatedPulse } from "./simulated-pulse.js";
import { WitnessRounds } from "./witness-rounds.js";

export class DaemonRun {
  readonly machine: Machine;
  readonly run: number;
  readonly heart: Heart;
  readonly book: LeaseBook;
  readonly effects: EffectRunner;
  /** False once it has ended. */
  alive = true;
  frozen = false;
  /** By the world's clock. */
  readonly startedAt: number;
  /** Since when it runs without a freeze, by the world's clock. */
  awakeSince: number;
  gateOpen = true;
  /** Until when the operator who gave an order may wait, by the world's clock; null = nobody does. */
  orderSince: number | null = null;
  private ending: (() => void) | null = null;
  beating = true;
  readonly mail: DaemonMail;
  private readonly witness: WitnessRounds;
  private readonly pulse = new SimulatedPulse(this);
  private upkeeps = 0;

  constructor(machine: Machine, run: number) {
    const { settings, random } = machine.world;
    const election = settings[machine.side];
    this.machine = machine;
    this.run = run;
    this.startedAt = machine.world.now;
    this.awakeSince = this.startedAt;
    const now = millis(machine.now());
    this.mail = new DaemonMail(this);
    this.book = new LeaseBook(nftGate(machine, run), () => millis(machine.now()));
    this.effects = new EffectRunner(this);
    const seen = machine.disk.content?.reservedEpoch ?? 0;
    this.heart = new Heart(this.ports(), election, startElection(now, election, seen));
    this.witness = new WitnessRounds(this);
    this.after(random.between(5, 40), () => startRun(this));
  }

  /** Whether it would do something now. */
  get runs(): boolean {
    return this.alive && !this.frozen;
  }

  /** What its peer has to echo. */
  get session(): string {
    return this.mail.conversation.session.mine;
  }

  /** Whether each of the two has met the other's present run. */
  hasMet({ mail }: DaemonRun): boolean {
    const [own, other] = [this.mail.conversation.session, mail.conversation.session];
    return own.accepted === other.mine && other.accepted === own.mine;
  }

  after(ms: number, work: () => void): void {
    this.machine.after(ms, this.run, true, work);
  }

  now(): Millis {
    return millis(this.machine.now());
  }

  private ports(): HeartPorts {
    const { machine, book } = this;
    return {
      lease: {
        get held() {
          return book.held;
        },
        get length() {
          return book.length;
        },
        lapsed: (now) => book.lapsed(now),
        mayAnswerMs: (now) => book.mayAnswerMs(now),
        refresh: (length, done) => book.refresh(length, done),
        revokeAtOnce: () => book.revoke(() => undefined),
      },
      now: () => this.now(),
      suspendedMs: () => machine.clock.suspendedMs,
      drain: (done) => this.mail.drain(done),
      perform: (effects) => this.effects.push(effects),
      say: (probing) => this.mail.advertise(probing),
      wakeAt: (at) => this.pulse.wake(at),
      stopAnnouncing: () => undefined,
      suspect: () => this.witness.begin(machine.peerMacs),
      trust: () => this.witness.end(),
      tellCondition: () => undefined,
      upkeep: () => this.upkeep(),
      lookAtLinks: () => this.after(machine.world.random.between(2, 15), () => this.setLocal()),
      follow: () => undefined,
      offerVerdicts: () => undefined,
      record: (_level, _event, text) => machine.say(text),
      stepped: (step) => machine.world.stepped(machine, step),
    };
  }

  started(): void {
    this.awakeSince = this.machine.world.now;
    this.machine.quietSince = null;
    this.remember();
    this.setLocal();
    this.pulse.begin();
  }

  /** Health as it is, told to the heart. */
  setLocal(): void {
    if (!this.alive) return;
    this.witness.plan();
    const { side, world, ills } = this.machine;
    const serving = world.network.wires.filter(({ serves }) => serves);
    const dark = serving.filter(({ carrier }) => !carrier[side]).length;
    this.heart.dispatch({
      kind: "local",
      ready: ills.forwarderReady && this.gateOpen,
      faults: dark + ills.pingsLost,
      pingsLost: ills.pingsLost,
      isolated: dark === serving.length,
    });
  }

  private upkeep(): void {
    if (!this.gateOpen && this.machine.ills.nft !== "silent") {
      this.machine.kernel.open();
      this.gateOpen = true;
      this.setLocal();
    }
    this.upkeeps += 1;
    this.effects.upkeep(this.upkeeps);
  }

  /** As the daemon does: without a lease nothing may be claimed until the gate opens again. */
  grantFailed(why: string): void {
    this.gateOpen = false;
    this.heart.dispatch({ kind: "lease-lost", why: `the kernel's gate did not open: ${why}` });
    this.setLocal();
  }

  remember(): void {
    const { epoch, highestEpoch } = this.heart.state;
    const active = this.heart.condition === "active";
    const { disk, ills, world, bootId } = this.machine;
    const hangsMs = Math.max(0, ills.diskHangsUntil - world.now);
    disk.write(
      { epoch, highestEpoch, bootId, active },
      hangsMs + world.random.between(1, 30),
      (ms, work) => this.after(ms, work),
    );
  }

  makeActive(designation: Designation): void {
    this.heart.hearAll(() => {
      if (this.orderSince !== null) return;
      this.orderSince = this.machine.world.now;
      this.heart.dispatch({ kind: "make-active", designation, by: "an operator" });
    });
  }

  reply(done: boolean, message: string): void {
    if (this.orderSince !== null) this.machine.say(`answers the operator, ${done}: ${message}`);
    this.orderSince = null;
  }

  /** SIGTERM: hands over where it can, then ends. */
  stop(): void {
    this.ending = () => this.machine.endDaemon(this);
    this.heart.dispatch({ kind: "stop", why: "ordered to stop" });
  }

  exit(): void {
    const { ending } = this;
    if (ending === null) return;
    this.beating = false;
    this.effects.whenSettled(ending);
  }

  /** An ordered restart: the lease outlives this run, and the peer is told so. */
  restart(): void {
    this.beating = false;
    const end = () => {
      this.remember();
      this.after(50, () => this.machine.endDaemon(this));
    };
    this.effects.whenSettled(() => {
      if (this.heart.state.phase !== "active" || !this.book.held) return end();
      const length = Math.max(RESTART_LEASE_MS, Number(this.heart.leaseLength));
      this.book.refresh(length, () => {
        this.effects.raise(length, () => {
          this.heart.say();
          end();
        });
      });
    });
  }
}

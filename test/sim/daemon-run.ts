// daemon-run.ts — one run of the daemon on a simulated machine: the real heart, with this world's ports.
// long: one daemon has many ends, and each is short.
//
// Real: heart, election, suspicion, conversation, session, codec, book of the lease, what is still wanted.
// The rest of the daemon is modelled here: pulse, start and adoption, upkeep, orders, ordered ends.
import { type Designation, type Millis, millis } from "@lbpair/common";
import {
  adoptElection,
  Conversation,
  conditionOf,
  encodeChallenge,
  encodeRound,
  Heart,
  type HeartPorts,
  LeaseBook,
  leaseLength,
  NO_REVISION,
  type Speaker,
  startElection,
  yields,
} from "@lbpair/heartbeat";
import { EffectRunner } from "./effect-runner.js";
import type { Machine } from "./machine.js";
import { nftGate } from "./nft.js";
import { macsOf, WitnessRounds } from "./witness-rounds.js";

/** Whole datagrams are what is simulated, not their signature. */
const SIGNATURE = new Uint8Array(32);
const sign = () => SIGNATURE;
/** On the wire a lease that never ends is the longest one. */
const LEASE_MS_UNLIMITED = 0xffff_ffff;
const RESTART_LEASE_MS = 3000;
/** Datagrams that a socket holds for a daemon that does not read; the rest is lost. */
const SOCKET_DATAGRAMS = 200;

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
  private beating = true;
  private readonly conversation: Conversation;
  private readonly witness: WitnessRounds;
  private readonly speaker: Speaker;
  private readonly inbox: { readonly path: number; readonly bytes: Uint8Array }[] = [];
  private nextBeatAt = 0;
  private wakeAt: number | undefined;
  private alarmAt = Number.POSITIVE_INFINITY;
  private upkeeps = 0;

  constructor(machine: Machine, run: number) {
    const { settings, random } = machine.world;
    const election = settings[machine.side];
    this.machine = machine;
    this.run = run;
    this.startedAt = machine.world.now;
    this.awakeSince = this.startedAt;
    const now = millis(machine.now());
    const { designation, deadtime } = election;
    const newSession = () => machine.world.random.hex16();
    const paths = machine.world.network.paths.length;
    this.conversation = new Conversation({ designation, sign, newSession, now, deadtime, paths });
    this.speaker = { designation, bootId: machine.bootId, sign };
    this.book = new LeaseBook(nftGate(machine, run), () => millis(machine.now()));
    this.effects = new EffectRunner(this);
    const seen = machine.disk.content?.reservedEpoch ?? 0;
    this.heart = new Heart(this.ports(), election, startElection(now, election, seen));
    this.witness = new WitnessRounds(this);
    this.after(random.between(5, 40), () => this.start());
  }

  /** Whether it would do something now. */
  get runs(): boolean {
    return this.alive && !this.frozen;
  }

  /** What its peer has to echo. */
  get session(): string {
    return this.conversation.session.mine;
  }

  /** Whether each of the two has met the other's present run. */
  hasMet({ conversation }: DaemonRun): boolean {
    const [own, other] = [this.conversation.session, conversation.session];
    return own.accepted === other.mine && other.accepted === own.mine;
  }

  private after(ms: number, work: () => void): void {
    this.machine.after(ms, this.run, true, work);
  }

  private now(): Millis {
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
      drain: (done) => this.drain(done),
      perform: (effects) => this.effects.push(effects),
      say: (probing) => this.advertise(probing),
      wakeAt: (at) => this.wake(at),
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

  /** As inherit.ts: adopts what the run before held by right, or gives it up. */
  private start(): void {
    const { machine, book, heart } = this;
    const { kernel, disk, bootId } = machine;
    const leftMs = kernel.gate ? kernel.leaseUntil - this.now() : 0;
    const memory = disk.content;
    const ours = memory?.active === true && memory.bootId === bootId;
    kernel.open();
    const raised = kernel.holds(this.now());
    const known = memory === null || memory.epoch < memory.highestEpoch;
    if (memory === null || known || !ours || !raised || leftMs <= 0) {
      this.startPassive();
      return;
    }
    const unlimited = leftMs === Number.POSITIVE_INFINITY;
    const adopted = adoptElection(this.now(), heart.settings, memory.epoch, unlimited ? 0 : leftMs);
    book.adopt(unlimited ? "unlimited" : leftMs);
    const length = leaseLength(adopted, heart.settings, this.now()) ?? "unlimited";
    book.refresh(length, (kept) => {
      if (kept === "lapsed") return this.startPassive();
      machine.say(`adopts the lease of the run before, claim ${memory.epoch}`);
      heart.start(adopted);
      this.effects.push([{ kind: "send-adverts" }, { kind: "raise" }]);
      this.started();
    });
  }

  private startPassive(): void {
    this.book.revoke(() => {
      const { machine, heart } = this;
      const begin = () => {
        heart.start(heart.state);
        this.started();
      };
      machine.ip(this.run, () => machine.kernel.lower(), begin);
    });
  }

  private started(): void {
    this.awakeSince = this.machine.world.now;
    this.machine.quietSince = null;
    this.remember();
    this.setLocal();
    this.nextBeatAt = this.now();
    this.arm();
  }

  private arm(): void {
    if (!this.beating) return;
    // Timers of Node are late by up to a millisecond and a bit.
    const lateMs = this.machine.world.random.next() * 1.2;
    this.after(Math.max(0, this.nextBeatAt - this.now()) + lateMs, () => this.beat());
  }

  private beat(): void {
    if (!this.beating) return;
    this.heart.keepalive(this.now() - this.nextBeatAt, () => {
      const period = this.heart.settings.keepalive;
      const missed = Math.floor(Math.max(0, this.now() - this.nextBeatAt) / period);
      this.nextBeatAt += (missed + 1) * period;
      this.arm();
    });
  }

  /** One timer is enough: a later moment is waited for when the earlier one has come. */
  private wake(at: number | undefined): void {
    this.wakeAt = at === undefined ? undefined : Math.max(at, this.now());
    if (this.wakeAt === undefined || this.alarmAt <= this.wakeAt) return;
    this.setAlarm(this.wakeAt);
  }

  private setAlarm(at: number): void {
    this.alarmAt = at;
    this.after(Math.max(0, at - this.now()) + this.machine.world.random.next(), () => {
      if (this.alarmAt !== at) return;
      this.alarmAt = Number.POSITIVE_INFINITY;
      const { wakeAt } = this;
      if (wakeAt === undefined || !this.beating) return;
      if (wakeAt > this.now()) return this.setAlarm(wakeAt);
      this.wakeAt = undefined;
      this.heart.deadline(this.now() - wakeAt, () => undefined);
    });
  }

  /** A datagram has come to a socket. */
  datagram(path: number, bytes: Uint8Array): void {
    if (this.inbox.length < SOCKET_DATAGRAMS) this.inbox.push({ path, bytes });
    if (this.runs) this.read();
  }

  /** Reads what the sockets hold. */
  read(): void {
    for (let next = this.inbox.shift(); next !== undefined; next = this.inbox.shift()) {
      const received = this.conversation.receive(next.path, next.bytes, true, this.now());
      // As the daemon: an advert of version 1 names none.
      if (received.kind === "advert" && received.advert.macs.length > 0) {
        this.machine.peerMacs = received.advert.macs;
      }
      this.heart.received(received);
      if (!this.runs) return;
    }
  }

  private drain(done: () => void): void {
    this.after(0.02, () => {
      this.read();
      if (this.runs) done();
    });
  }

  private advertise(probing: boolean): void {
    const { machine, heart } = this;
    const { state } = heart;
    const now = this.now();
    const leaseMs = this.book.mayAnswerMs(now);
    const saying = {
      active: conditionOf(state) === "active",
      ready: state.ready,
      yielding: yields(state),
      requesting: state.request !== null,
      forHealth: state.handOver?.forHealth ?? state.request?.forHealth ?? false,
      probing,
      faults: state.faults,
      pingsLost: state.pingsLost,
      latenessMs: heart.lateness.recentMs,
      macs: macsOf(machine.side),
      leaseMs: Number.isFinite(leaseMs) ? Math.ceil(leaseMs) : LEASE_MS_UNLIMITED,
      epoch: state.epoch,
      highestEpoch: state.highestEpoch,
      verdicts: NO_REVISION,
      revision: NO_REVISION,
      modes: NO_REVISION,
      wallMs: machine.ills.wallMs,
    };
    if (state.phase === "active" && !this.book.held) machine.world.watcher?.saidTooEarly(machine);
    const round = encodeRound(saying, this.conversation, this.speaker, now);
    for (let path = 0; path < round.length; path += 1) {
      machine.world.send(machine, path, round[path] as Uint8Array);
    }
    const challenge = encodeChallenge(this.conversation, this.speaker, now);
    for (const [path, bytes] of challenge.entries()) machine.world.send(machine, path, bytes);
    if (saying.yielding) {
      machine.world.recordOffer(machine.side, { path: 0, bytes: round[0] as Uint8Array });
    }
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

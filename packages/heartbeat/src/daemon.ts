// daemon.ts — the heartbeat daemon: feeds the election with what happens and performs what it decides.
// long: the whole wiring of one daemon in one place; every part that decides or acts lives beside it.
import { access } from "node:fs/promises";
import type { EventLog, HeartbeatStatus, MakeActiveAnswer, Millis, Verdicts } from "@lbpair/common";
import { type Designation, RefusalError } from "@lbpair/common";
import type { LeaseLength } from "./adapters/lease-line.js";
import type { LinkEvent } from "./adapters/link-event.js";
import { AddressGuard } from "./address-guard.js";
import { Advertiser } from "./advertiser.js";
import { hearsNothing } from "./core/advert.js";
import type { Received } from "./core/conversation.js";
import type { Effect } from "./core/effects.js";
import { step } from "./core/election.js";
import {
  conditionOf,
  type ElectionEvent,
  type ElectionState,
  leaseLength,
  nextDeadline,
  peerAlive,
  startElection,
} from "./core/election-state.js";
import { Lateness } from "./core/lateness.js";
import type { DaemonParts } from "./daemon-parts.js";
import { EffectQueue } from "./effect-queue.js";
import { createForwarderLink, type ForwarderLink, TELL_MS } from "./forwarder-link.js";
import type { Holder } from "./holder.js";
import { inherit } from "./inherit.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import { PendingOrder } from "./pending-order.js";
import { type Machine, perform } from "./perform.js";
import { Pulse } from "./pulse.js";
import { describeSaying } from "./saying.js";
import { loadSettings, pathsDiffer, type Settings } from "./settings.js";
import { Standstill } from "./standstill.js";
import { describeStatus } from "./status-view.js";
import { VerdictExchange } from "./verdict-exchange.js";

/** A restart that the operator asked for holds the addresses this long, so that none moves. */
export const RESTART_LEASE_MS = 3000;

/** Least time between two rounds of adverts out of turn, whatever is heard. */
export const MEET_MS_MIN = 20;

export class HeartbeatDaemon implements Machine {
  readonly lease: LeaseKeeper;
  readonly holder: Holder;
  readonly announcer: Machine["announcer"];
  readonly events: EventLog;
  readonly lateness = new Lateness();
  readonly startedAt: Millis;
  state: ElectionState;
  settings: Settings;
  advertiser: Advertiser | undefined;
  readonly pulse: Pulse;
  private readonly parts: DaemonParts;
  private readonly queue: EffectQueue<Effect>;
  private readonly forwarder: ForwarderLink;
  private started = false;
  private readonly exchange: VerdictExchange;
  forwarderReady = false;
  readonly guard: AddressGuard;
  private readonly order: PendingOrder;
  private readonly standstill: Standstill;
  private lastUpkeepAt: Millis;
  private metAt = Number.NEGATIVE_INFINITY;
  private saidAt: number;
  private reloading: Promise<unknown> = Promise.resolve();
  private stopped: (() => void) | undefined;

  constructor(parts: DaemonParts) {
    const now = parts.clock.now();
    this.parts = parts;
    this.lease = parts.lease;
    this.holder = parts.holder;
    this.announcer = parts.announcer;
    this.events = parts.events;
    this.settings = parts.settings;
    this.startedAt = now;
    this.lastUpkeepAt = now;
    this.saidAt = now;
    this.standstill = new Standstill(parts.lease, parts.suspendedMs);
    this.state = startElection(now, this.settings.election, parts.memory?.reservedEpoch ?? 0);
    this.queue = new EffectQueue(
      (effect) => perform(effect, this),
      (effect, error) => this.effectFailed(effect, error),
    );
    this.order = new PendingOrder(parts.clock);
    this.exchange = new VerdictExchange(parts.events);
    this.guard = new AddressGuard({
      clock: parts.clock,
      events: parts.events,
      lease: parts.lease,
      holder: parts.holder,
      services: () => this.settings.running.services,
      holds: () => conditionOf(this.state) === "active",
      answers: () => this.state.phase === "active",
      leaseLength: () => this.leaseLength(),
      perform: (effects) => this.queue.push(effects),
      onHealth: () => this.setLocal(),
      onError: (error) => parts.log.error({ error: String(error) }, "keeping the addresses failed"),
    });
    this.forwarder = createForwarderLink(parts.paths.socket("forwarder"));
    this.pulse = new Pulse(parts.clock, this.settings.election.keepalive, {
      onKeepalive: (lateMs) => this.keepalive(lateMs),
      onDeadline: (lateMs) => this.deadline(lateMs),
      onError: (error) => parts.log.error({ error: String(error) }, "a beat failed"),
    });
  }

  /** Adopts what an earlier run of this boot holds by right; gives up what nobody holds by right. */
  async start(): Promise<void> {
    const { parts } = this;
    this.openPaths();
    await this.holder.look(this.settings.running.services);
    await this.holder.check();
    const adopted = await inherit(parts, this.settings.election, () => this.guard.openGate());
    if (adopted !== null) {
      this.state = adopted;
      // Raised again with fresh lifetimes; what is there already is left as it is.
      // Said first: the peer may be about to take this node for dead.
      this.queue.push([{ kind: "send-adverts" }, { kind: "raise" }]);
    }
    if (conditionOf(this.state) === "passive") {
      for (const kind of ["revoke-lease", "lower"] as const) {
        await perform({ kind }, this).catch((error) => this.effectFailed({ kind }, error));
      }
    }
    this.forwarderReady = await access(parts.paths.forwarderReadyFile).then(
      () => true,
      () => false,
    );
    this.started = true;
    this.setLocal();
    this.tellCondition();
    this.pulse.start();
  }

  private openPaths(): void {
    const { peer, node } = this.settings.running.appliance;
    const { heartbeat } = this.settings.running.services;
    if (peer === undefined || this.settings.key === undefined) return;
    this.advertiser = new Advertiser({
      clock: this.parts.clock,
      designation: node.designation,
      peer,
      port: heartbeat.port,
      key: this.settings.key,
      bootId: this.parts.bootId,
      timings: heartbeat,
      openSocket: this.parts.openSocket,
      onReceived: (received) => this.received(received),
    });
  }

  dispatch(event: ElectionEvent): void {
    const now = this.parts.clock.now();
    const [next, effects] = step(this.state, event, now, this.settings.election);
    this.state = next;
    if (effects.some(({ kind }) => kind === "revoke-lease")) this.goQuiet();
    this.queue.push(effects);
    this.pulse.wakeAt(nextDeadline(next, this.settings.election));
  }

  /** At once: its turn may be behind a slow `ip`. It is done again in turn, where a failure is told. */
  private goQuiet(): void {
    this.announcer.stop();
    this.lease.revoke().catch(() => undefined);
  }

  /** Before anything else is done after a pause: a lease that ended while this daemon stood still is gone. */
  private noticeStandstill(): void {
    const why = this.standstill.notice(this.parts.clock.now());
    if (why !== undefined) this.dispatch({ kind: "lease-lost", why });
  }

  private async keepalive(lateMs: number): Promise<void> {
    this.lateness.add(lateMs);
    this.noticeStandstill();
    await this.advertiser?.drain();
    if (lateMs > 2 * this.settings.election.keepalive) this.dispatch({ kind: "stalled", lateMs });
    if (this.lease.held && this.state.phase === "active") {
      const kept = await this.lease.refresh(this.leaseLength()).catch((error) => String(error));
      if (kept === "lapsed") {
        this.dispatch({ kind: "lease-lost", why: "the kernel had ended the lease" });
      } else if (kept === "restored") {
        this.events.record(
          "alarm",
          "gate-restored",
          "the lease's table had been removed; it is back",
          {},
        );
      } else if (kept !== "held") {
        this.dispatch({ kind: "lease-lost", why: `the kernel's gate did not come back: ${kept}` });
      }
    }
    this.dispatch({ kind: "tick" });
    // Health is about to move the role: it must not be by news of the links that never came.
    if (this.state.worseSince !== null) this.guard.lookAgain();
    const now = this.parts.clock.now();
    this.catchUp(now);
    if (now - this.lastUpkeepAt >= TELL_MS) {
      this.lastUpkeepAt = now;
      this.tellCondition();
      this.guard
        .upkeep()
        .catch((error: unknown) => this.parts.log.error({ error: String(error) }, "upkeep failed"));
    }
  }

  /**
   * Adverts wait in turn behind a slow `ip`, while the lease is refreshed: the peer would take this
   * node for dead, and both would answer. What they say must be so in the kernel already.
   */
  private catchUp(now: Millis): void {
    const overdue = now - this.saidAt > 1.5 * this.settings.election.keepalive;
    if (overdue && this.acknowledged()) this.sendAdverts();
  }

  private acknowledged(): boolean {
    return (this.state.phase === "active") === this.lease.held;
  }

  /** Something happened on the links. */
  onLink(event: LinkEvent): void {
    if (!this.started) return;
    this.noticeStandstill();
    this.guard.onLink(event);
  }

  private async deadline(lateMs: number): Promise<void> {
    this.noticeStandstill();
    await this.advertiser?.drain();
    if (lateMs > 2 * this.settings.election.keepalive) this.dispatch({ kind: "stalled", lateMs });
    this.dispatch({ kind: "deadline" });
  }

  private received(received: Received): void {
    if (!this.started) return;
    this.noticeStandstill();
    if (received.kind === "verdicts") {
      if (conditionOf(this.state) === "passive") this.forwarder.follow(received.verdicts);
      return;
    }
    if (received.kind === "hello") this.meet();
    if (received.kind !== "advert") return;
    const { advert, met } = received;
    if (met) this.meet();
    const deaf = hearsNothing(advert, this.settings.election.deadtime);
    this.dispatch({ kind: "advert", peer: { ...advert, deaf } });
    if (this.state.phase === "active" && !advert.active) {
      this.exchange.offer(advert.verdicts, this.advertiser);
    }
  }

  /** Two runs that meet say so at once: waiting for the next keepalives could cost a take over. */
  private meet(): void {
    const now = this.parts.clock.now();
    if (now - this.metAt < MEET_MS_MIN) return;
    this.metAt = now;
    if (this.acknowledged()) this.sendAdverts();
    else this.queue.push([{ kind: "send-adverts" }]);
  }

  /** What the forwarder says of itself. */
  onForwarder(ready: boolean, reason: string, verdicts: Verdicts): void {
    if (ready !== this.forwarderReady) {
      const text = ready ? "the forwarder is ready" : `the forwarder is not ready: ${reason}`;
      this.events.record(ready ? "info" : "warn", "forwarder-ready", text, { ready });
    }
    const changed = this.exchange.learn(verdicts);
    this.forwarderReady = ready;
    this.setLocal();
    if (changed) this.queue.push([{ kind: "send-adverts" }]);
  }

  private setLocal(): void {
    const ready = this.forwarderReady && this.guard.gateOpen;
    this.dispatch({
      kind: "local",
      ready,
      faults: this.holder.faults(),
      isolated: this.holder.isolated(),
    });
  }

  async makeActive(designation: Designation, by: string): Promise<MakeActiveAnswer> {
    // An order may be the first that is read after a pause: silence is judged when all is heard.
    this.noticeStandstill();
    await this.advertiser?.drain();
    return this.order.give(() => this.dispatch({ kind: "make-active", designation, by }));
  }

  /** One at a time: two would open the same paths twice. */
  reload(): Promise<{ readonly changed: number }> {
    const reloaded = this.reloading.then(() => this.reloadNow());
    this.reloading = reloaded.catch(() => undefined);
    return reloaded;
  }

  private async reloadNow(): Promise<{ readonly changed: number }> {
    const loaded = await loadSettings(this.parts.paths);
    if (!loaded.ok) throw new RefusalError(422, "the configuration was refused", loaded.problems);
    const before = this.settings;
    this.settings = loaded.value;
    const newPaths = pathsDiffer(before, loaded.value);
    if (newPaths) {
      await this.advertiser?.close();
      this.advertiser = undefined;
      this.openPaths();
    }
    this.pulse.setPeriod(this.settings.election.keepalive);
    const moved = await this.guard.reconfigure();
    this.setLocal();
    // Addresses get the lifetimes of the lease that is right now: without a peer, none.
    this.queue.push([{ kind: "raise" }, { kind: "send-adverts" }]);
    await this.queue.settled();
    return { changed: (moved ? 1 : 0) + (newPaths ? 1 : 0) };
  }

  /** Makes ready for a restart that moves no address: a longer lease, said to the peer first. */
  async prepareRestart(): Promise<void> {
    this.pulse.stop();
    await this.queue.settled();
    const { paired } = this.settings.election;
    if (this.state.phase === "active" && this.lease.held && paired) {
      const length = Math.max(RESTART_LEASE_MS, Number(this.leaseLength()));
      try {
        await this.lease.refresh(length);
        await this.holder.raise(length);
      } catch (error) {
        // The beats have ended already: the restart must go on, if need be with the addresses moving.
        this.events.record("warn", "restart-unprepared", String(error), {});
      }
      this.sendAdverts();
    }
    this.remember();
    this.events.record("info", "restarting", "restarting by order; addresses stay", {});
  }

  /** Hands over where a peer can take over, and resolves when this daemon may end. */
  stop(why: string): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.stopped = resolve;
    });
    this.dispatch({ kind: "stop", why });
    return stopped;
  }

  async close(): Promise<void> {
    this.pulse.stop();
    await this.queue.settled();
    await this.advertiser?.close();
  }

  status(): HeartbeatStatus {
    return describeStatus(this, this.parts.clock.now());
  }

  leaseLength(): LeaseLength {
    return leaseLength(this.state, this.settings.election, this.parts.clock.now()) ?? "unlimited";
  }

  sendAdverts(): void {
    const { state, settings } = this;
    const now = this.parts.clock.now();
    this.saidAt = now;
    const leaseMs = this.lease.mayAnswerMs(now);
    const verdicts = this.exchange.id;
    const wallMs = this.parts.clock.wall().getTime();
    const latenessMs = this.lateness.summary().maxMs;
    const macs = this.holder.macs();
    const known = { state, settings, leaseMs, verdicts, wallMs, latenessMs, macs, probing: false };
    this.advertiser?.say(describeSaying(known));
  }

  remember(): void {
    const { epoch, highestEpoch } = this.state;
    const active = conditionOf(this.state) === "active";
    const { bootId } = this.parts;
    this.parts.remember({ epoch, highestEpoch, bootId, active, because: this.state.because });
  }

  tellCondition(): void {
    const alive = peerAlive(this.state, this.settings.election, this.parts.clock.now());
    this.forwarder.tell(conditionOf(this.state), alive);
  }

  reply(done: boolean, message: string): void {
    this.order.answer(done, message);
  }

  exit(): void {
    this.stopped?.();
  }

  private effectFailed(effect: Effect, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.events.record("alarm", "effect-failed", `${effect.kind} failed: ${why}`, {
      effect: effect.kind,
    });
    if (effect.kind === "grant-lease") {
      // Without a lease nothing may be claimed; until the gate opens again this node is not ready.
      this.guard.gateOpen = false;
      this.dispatch({ kind: "lease-lost", why: `the kernel's gate did not open: ${why}` });
      this.setLocal();
    }
  }
}

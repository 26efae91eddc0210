// daemon.ts — the heartbeat daemon: feeds the election with what happens and performs what it decides.
import { access } from "node:fs/promises";
import type {
  AppliancePaths,
  Clock,
  EventLog,
  HeartbeatStatus,
  Log,
  MakeActiveAnswer,
  Millis,
  Verdicts,
} from "@lbpair/common";
import { type Designation, RefusalError } from "@lbpair/common";
import type { HeartbeatMemory, RememberedMemory } from "./adapters/epoch-store.js";
import type { LeaseLength } from "./adapters/lease-line.js";
import type { LinkEvent } from "./adapters/link-event.js";
import { AddressGuard } from "./address-guard.js";
import { Advertiser, type AdvertiserOptions } from "./advertiser.js";
import { NO_REVISION } from "./core/advert.js";
import type { Received } from "./core/conversation.js";
import type { Effect } from "./core/effects.js";
import { step } from "./core/election.js";
import {
  adoptElection,
  conditionOf,
  type ElectionEvent,
  type ElectionState,
  leaseLength,
  nextDeadline,
  peerAlive,
  startElection,
} from "./core/election-state.js";
import { Lateness } from "./core/lateness.js";
import { EffectQueue } from "./effect-queue.js";
import { createForwarderLink, type ForwarderLink, TELL_MS } from "./forwarder-link.js";
import type { Holder } from "./holder.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import { Orders } from "./orders.js";
import { type Machine, perform } from "./perform.js";
import { Pulse } from "./pulse.js";
import { loadSettings, pathsDiffer, type Settings } from "./settings.js";
import { describeStatus } from "./status-view.js";

/** A restart that the operator asked for holds the addresses this long, so that none moves. */
export const RESTART_LEASE_MS = 3000;
export interface DaemonParts {
  readonly paths: AppliancePaths;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventLog;
  readonly settings: Settings;
  readonly lease: LeaseKeeper;
  readonly holder: Holder;
  readonly announcer: Machine["announcer"];
  readonly openSocket: AdvertiserOptions["openSocket"];
  readonly bootId: string;
  readonly memory: RememberedMemory | null;
  /** Writes behind the caller's back; the latest wins. */
  readonly remember: (memory: HeartbeatMemory) => void;
  /** Milliseconds the machine has been suspended since it booted; undefined where it cannot tell. */
  readonly suspendedMs: () => number | undefined;
}

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
  /** Undefined until the forwarder has told them: nobody may follow what nobody said. */
  private verdicts: Verdicts | undefined;
  forwarderReady = false;
  readonly guard: AddressGuard;
  private readonly orders: Orders;
  private suspendedMs: number;
  private lastUpkeepAt: Millis;
  private verdictsTooLong = false;

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
    this.suspendedMs = parts.suspendedMs() ?? 0;
    this.state = startElection(now, this.settings.election, parts.memory?.reservedEpoch ?? 0);
    this.queue = new EffectQueue(
      (effect) => perform(effect, this),
      (effect, error) => this.effectFailed(effect, error),
    );
    this.orders = new Orders(parts.clock);
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
      onDeadline: () => this.deadline(),
    });
  }

  /** Adopts what an earlier run of this boot holds by right; gives up what nobody holds by right. */
  async start(): Promise<void> {
    const { parts } = this;
    this.openPaths();
    await this.holder.look(this.settings.running.services);
    await this.holder.check();
    const inherited = await this.lease.inherited();
    await this.guard.openGate();
    const { memory } = parts;
    const ours = memory?.active === true && memory.bootId === parts.bootId;
    if (inherited !== null && ours && memory.epoch >= memory.highestEpoch) {
      await this.adopt(memory.epoch, inherited);
    }
    if (conditionOf(this.state) === "passive") {
      await this.lease.revoke();
      await this.holder.lower();
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

  private async adopt(epoch: number, inherited: LeaseLength): Promise<void> {
    const { election } = this.settings;
    const inheritedMs = inherited === "unlimited" ? 0 : inherited;
    const adopted = adoptElection(this.parts.clock.now(), election, epoch, inheritedMs);
    this.lease.adopt(inherited);
    const length = leaseLength(adopted, election, this.parts.clock.now()) ?? "unlimited";
    if ((await this.lease.refresh(length)) === "lapsed") return;
    this.state = adopted;
    this.events.record("info", "adopted", "the floating IPs of the run before are adopted", {
      epoch,
    });
    // Raised again with fresh lifetimes; what is there already is left as it is.
    this.queue.push([{ kind: "raise" }, { kind: "send-adverts" }]);
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
    this.queue.push(effects);
    this.pulse.wakeAt(nextDeadline(next, this.settings.election));
  }

  /** Before anything else is done after a pause: a lease that ended while this daemon stood still is gone. */
  private noticeStandstill(): void {
    const now = this.parts.clock.now();
    const suspended = this.parts.suspendedMs() ?? this.suspendedMs;
    const slept = suspended - this.suspendedMs;
    this.suspendedMs = suspended;
    const length = this.lease.length;
    if (length !== null && length !== "unlimited" && slept > length / 2) {
      this.dispatch({
        kind: "lease-lost",
        why: `the machine was suspended for ${Math.round(slept)} ms`,
      });
    } else if (this.lease.lapsed(now)) {
      this.dispatch({
        kind: "lease-lost",
        why: "this daemon stood still for longer than its lease",
      });
    }
  }

  private async keepalive(lateMs: number): Promise<void> {
    this.lateness.add(lateMs);
    this.noticeStandstill();
    await this.advertiser?.drain();
    if (lateMs > 2 * this.settings.election.keepalive) this.dispatch({ kind: "stalled" });
    if (this.lease.held && this.state.phase === "active") {
      const kept = await this.lease.refresh(this.leaseLength());
      if (kept === "lapsed") {
        this.dispatch({ kind: "lease-lost", why: "the kernel had ended the lease" });
      } else if (kept === "restored") {
        this.events.record(
          "alarm",
          "gate-restored",
          "the lease's table had been removed; it is back",
          {},
        );
      }
    }
    this.dispatch({ kind: "tick" });
    const now = this.parts.clock.now();
    if (now - this.lastUpkeepAt >= TELL_MS) {
      this.lastUpkeepAt = now;
      this.tellCondition();
      this.guard
        .upkeep()
        .catch((error: unknown) => this.parts.log.error({ error: String(error) }, "upkeep failed"));
    }
  }

  /** Something happened on the links. */
  onLink(event: LinkEvent): void {
    if (!this.started) return;
    this.noticeStandstill();
    this.guard.onLink(event);
  }

  private async deadline(): Promise<void> {
    this.noticeStandstill();
    await this.advertiser?.drain();
    this.dispatch({ kind: "deadline" });
  }

  private received(received: Received): void {
    if (!this.started) return;
    this.noticeStandstill();
    if (received.kind === "verdicts") {
      if (conditionOf(this.state) === "passive") this.forwarder.follow(received.verdicts);
      return;
    }
    if (received.kind !== "advert") return;
    const { advert } = received;
    this.dispatch({ kind: "advert", peer: advert });
    const follows = advert.verdicts.hash === this.verdicts?.hash;
    if (this.state.phase === "active" && !advert.active && !follows) this.sayVerdicts();
  }

  private sayVerdicts(): void {
    if (this.verdicts === undefined) return;
    const fits = this.advertiser?.sayVerdicts(this.verdicts) ?? true;
    if (!fits && !this.verdictsTooLong) {
      const text =
        "too many servers are unhealthy for their verdicts to travel; the peer follows its own";
      this.events.record("alarm", "verdicts-too-long", text, {});
    }
    this.verdictsTooLong = !fits;
  }

  /** What the forwarder says of itself. */
  onForwarder(ready: boolean, reason: string, verdicts: Verdicts): void {
    if (ready !== this.forwarderReady) {
      const text = ready ? "the forwarder is ready" : `the forwarder is not ready: ${reason}`;
      this.events.record(ready ? "info" : "warn", "forwarder-ready", text, { ready });
    }
    const changed = verdicts.hash !== this.verdicts?.hash;
    this.verdicts = verdicts;
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

  makeActive(designation: Designation, by: string): Promise<MakeActiveAnswer> {
    return this.orders.give(() => this.dispatch({ kind: "make-active", designation, by }));
  }

  async reload(): Promise<{ readonly changed: number }> {
    const loaded = await loadSettings(this.parts.paths);
    if (!loaded.ok) throw new RefusalError(422, "the configuration was refused", loaded.problems);
    const before = this.settings;
    this.settings = loaded.value;
    const { services } = loaded.value.running;
    const newPaths = pathsDiffer(before, loaded.value);
    if (newPaths) {
      await this.advertiser?.close();
      this.advertiser = undefined;
      this.openPaths();
    }
    this.pulse.setPeriod(this.settings.election.keepalive);
    const gone = this.holder.wanted.map(({ address }) => address);
    const moved = await this.holder.look(services);
    const removed = gone.filter((address) => !this.holder.isFloating(address));
    await this.guard.openGate();
    if (removed.length > 0) await this.holder.lowerThese(removed);
    if (moved && conditionOf(this.state) === "active") {
      this.queue.push([{ kind: "raise" }, { kind: "announce" }]);
    }
    this.setLocal();
    this.queue.push([{ kind: "send-adverts" }]);
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
      await this.lease.refresh(length);
      await this.holder.raise(length);
      this.sendAdverts();
    }
    this.remember();
    this.events.record("info", "restarting", "restarting by order; addresses stay", {});
  }

  stop(why: string): Promise<void> {
    this.dispatch({ kind: "stop", why });
    return new Promise((resolve) => {
      this.stopped = resolve;
    });
  }
  private stopped: (() => void) | undefined;

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
    const now = this.parts.clock.now();
    const { state, verdicts = NO_REVISION } = this;
    const remaining = this.lease.remainingMs(now);
    this.advertiser?.say({
      active: conditionOf(state) === "active",
      ready: state.ready,
      yielding: state.phase === "handing-over",
      requesting: state.request !== null,
      faults: state.faults,
      leaseMs: Number.isFinite(remaining) ? Math.ceil(remaining) : 0xffff_ffff,
      epoch: state.epoch,
      highestEpoch: state.highestEpoch,
      verdicts: { serial: verdicts.serial, hash: verdicts.hash },
      revision: { serial: this.settings.revision.serial, hash: this.settings.revision.hash },
      modes: this.settings.modes,
      wallMs: this.parts.clock.wall().getTime(),
    });
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
    this.orders.answer(done, message);
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

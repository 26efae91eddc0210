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
  Problem,
  Verdicts,
} from "@lbpair/common";
import { type Designation, RefusalError } from "@lbpair/common";
import type { HeartbeatMemory, RememberedMemory } from "./adapters/epoch-store.js";
import type { LeaseLength } from "./adapters/lease-line.js";
import type { LinkEvent } from "./adapters/link-event.js";
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
import { type Machine, perform } from "./perform.js";
import { Pulse } from "./pulse.js";
import { loadSettings, type Settings } from "./settings.js";
import { describeStatus } from "./status-view.js";

/** A restart that the operator asked for holds the addresses this long, so that none moves. */
export const RESTART_LEASE_MS = 3000;
/** Removals of one floating IP within a minute that make an alarm. */
export const REMOVALS_ALARM = 5;
/** Upkeeps, one a second, between two looks at what is really there; changes are told at once. */
const LOOK_UPKEEPS = 5;
const REMOVALS_WINDOW_MS = 60_000;
/** Longest wait for the answer to an operator's order. */
const ORDER_MS_MAX = 60_000;

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
  /** Milliseconds the machine has been suspended since it booted. */
  readonly suspendedMs: () => number;
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
  private verdicts: Verdicts = { ...NO_REVISION, unhealthy: [], unknown: [] };
  forwarderReady = false;
  private gateOpen = true;
  private order:
    | { readonly since: Millis; readonly settle: (answer: MakeActiveAnswer) => void }
    | undefined;
  private removals: { readonly at: Millis; readonly address: string }[] = [];
  private suspendedMs: number;
  private lastUpkeepAt: Millis;
  private looking: Promise<void> | undefined;
  private verdictsTooLong = false;
  private upkeeps = 0;

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
    this.suspendedMs = parts.suspendedMs();
    this.state = startElection(now, this.settings.election, parts.memory?.reservedEpoch ?? 0);
    this.queue = new EffectQueue(
      (effect) => perform(effect, this),
      (effect, error) => this.effectFailed(effect, error),
    );
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
    await this.openGate();
    const { memory } = parts;
    const ours = memory?.active === true && memory.bootId === parts.bootId;
    if (inherited !== null && ours && memory.epoch >= memory.highestEpoch) {
      this.lease.adopt(inherited);
      const kept = await this.lease.refresh(this.leaseLength());
      if (kept !== "lapsed") this.adopt(memory.epoch);
    }
    if (conditionOf(this.state) === "passive") {
      await this.lease.revoke();
      await this.holder.lower();
    }
    this.forwarderReady = await access(parts.paths.forwarderReadyFile).then(
      () => true,
      () => false,
    );
    this.setLocal();
    this.tellCondition();
    this.pulse.start();
  }

  private adopt(epoch: number): void {
    const now = this.parts.clock.now();
    this.state = adoptElection(now, this.settings.election, epoch);
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
    const suspended = this.parts.suspendedMs();
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
      this.upkeep().catch((error: unknown) =>
        this.parts.log.error({ error: String(error) }, "upkeep"),
      );
    }
  }

  private async deadline(): Promise<void> {
    this.noticeStandstill();
    await this.advertiser?.drain();
    this.dispatch({ kind: "deadline" });
  }

  /** Each second: what is held lives on, and the forwarder knows; now and then, what is really there. */
  private async upkeep(): Promise<void> {
    this.tellCondition();
    if (!this.gateOpen) await this.openGate();
    const active = conditionOf(this.state) === "active";
    if (active && this.settings.election.paired) await this.prolong();
    this.upkeeps += 1;
    if (this.upkeeps % LOOK_UPKEEPS !== 0) return;
    await this.look();
    const missing = await this.holder.check();
    if (conditionOf(this.state) !== (active ? "active" : "passive")) return;
    if (active && missing.length > 0) this.queue.push([{ kind: "raise" }, { kind: "announce" }]);
    const stray = this.holder.wanted.some(({ address }) => this.holder.holds(address));
    if (!active && stray) await this.holder.lower();
  }

  /** Raising what is there prolongs its lifetime. */
  private async prolong(): Promise<void> {
    const length = this.leaseLength();
    await this.holder.raise(length === "unlimited" ? null : length);
  }

  /** Looks at the links again, once at a time; a floating IP that has another place moves there. */
  private look(): Promise<void> {
    this.looking ??= (async () => {
      try {
        if (await this.holder.look(this.settings.running.services)) {
          await this.openGate();
          if (conditionOf(this.state) === "active") {
            this.queue.push([{ kind: "raise" }, { kind: "announce" }]);
          }
        }
        this.setLocal();
      } finally {
        this.looking = undefined;
      }
    })();
    return this.looking;
  }

  private async openGate(): Promise<void> {
    try {
      await this.lease.open(this.holder.gateLinks(), this.holder.wanted);
      this.gateOpen = true;
    } catch (error) {
      if (this.gateOpen) {
        const text = `the kernel's gate could not be set up: ${String(error)}`;
        this.events.record("alarm", "gate-failed", text, {});
      }
      this.gateOpen = false;
    }
  }

  onLink(event: LinkEvent): void {
    const removed = event.kind === "address-removed";
    if ((removed || event.kind === "address-added") && this.holder.isFloating(event.address)) {
      if (removed) this.addressRemoved(event.address, event.link);
    } else this.lookAgain();
  }

  /** Something about the links changed, or was missed. */
  lookAgain(): void {
    this.look().catch((error: unknown) => this.parts.log.error({ error: String(error) }, "look"));
  }

  private addressRemoved(address: string, link: string): void {
    const placed = this.holder.placed.some(
      (each) => each.address === address && each.link === link,
    );
    if (conditionOf(this.state) !== "active" || !this.holder.holds(address) || !placed) return;
    const now = this.parts.clock.now();
    this.holder.forget(address);
    this.removals = this.removals.filter((each) => now - each.at < REMOVALS_WINDOW_MS);
    this.removals.push({ at: now, address });
    const times = this.removals.filter((each) => each.address === address).length;
    const often = times >= REMOVALS_ALARM;
    const text = often
      ? `${address} was removed from ${link} ${times} times within a minute by something else; it is put back`
      : `${address} was removed from ${link} by something else; it is put back`;
    this.events.record(often ? "alarm" : "warn", "address-removed", text, { address, link, times });
    this.queue.push([{ kind: "raise" }, { kind: "announce" }]);
  }

  private received(received: Received): void {
    this.noticeStandstill();
    if (received.kind === "verdicts") {
      if (conditionOf(this.state) === "passive") this.forwarder.follow(received.verdicts);
      return;
    }
    if (received.kind !== "advert") return;
    const { advert } = received;
    this.dispatch({ kind: "advert", peer: advert });
    const follows = advert.verdicts.hash === this.verdicts.hash;
    if (this.state.phase === "active" && !advert.active && !follows) this.sayVerdicts();
  }

  private sayVerdicts(): void {
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
    const changed = verdicts.hash !== this.verdicts.hash;
    this.verdicts = verdicts;
    this.forwarderReady = ready;
    this.setLocal();
    if (changed) this.queue.push([{ kind: "send-adverts" }]);
  }

  private setLocal(): void {
    const ready = this.forwarderReady && this.gateOpen;
    this.dispatch({ kind: "local", ready, faults: this.holder.faults() });
  }

  makeActive(designation: Designation, by: string): Promise<MakeActiveAnswer> {
    if (this.order !== undefined) {
      throw new RefusalError(409, "another make-active is under way");
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.order = undefined;
        reject(new RefusalError(504, `no answer within ${ORDER_MS_MAX} ms`));
      }, ORDER_MS_MAX);
      const since = this.parts.clock.now();
      this.order = {
        since,
        settle: (answer) => {
          clearTimeout(timer);
          this.order = undefined;
          resolve(answer);
        },
      };
      this.dispatch({ kind: "make-active", designation, by });
    });
  }

  async reload(): Promise<{ readonly changed: number }> {
    const loaded = await loadSettings(this.parts.paths);
    if (!loaded.ok) throw new RefusalError(422, "the configuration was refused", loaded.problems);
    const before = this.settings;
    this.settings = loaded.value;
    const { appliance, services } = loaded.value.running;
    const peerChanged =
      JSON.stringify([
        appliance.peer,
        appliance.node,
        services.heartbeat.port,
        services.heartbeat.deadtime,
      ]) !==
      JSON.stringify([
        before.running.appliance.peer,
        before.running.appliance.node,
        before.running.services.heartbeat.port,
        before.running.services.heartbeat.deadtime,
      ]);
    if (peerChanged || before.key?.equals(loaded.value.key ?? Buffer.alloc(0)) === false) {
      await this.advertiser?.close();
      this.advertiser = undefined;
      this.openPaths();
    }
    this.pulse.setPeriod(this.settings.election.keepalive);
    const gone = this.holder.wanted.map(({ address }) => address);
    const moved = await this.holder.look(services);
    const removed = gone.filter((address) => !this.holder.isFloating(address));
    await this.openGate();
    if (removed.length > 0) await this.holder.lowerThese(removed);
    if (moved && conditionOf(this.state) === "active") {
      this.queue.push([{ kind: "raise" }, { kind: "announce" }]);
    }
    this.setLocal();
    this.queue.push([{ kind: "send-adverts" }]);
    await this.queue.settled();
    return { changed: (moved ? 1 : 0) + (peerChanged ? 1 : 0) };
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

  problems(): readonly Problem[] {
    return this.holder.problems;
  }

  leaseLength(): LeaseLength {
    return leaseLength(this.state, this.settings.election, this.parts.clock.now()) ?? "unlimited";
  }

  sendAdverts(): void {
    const now = this.parts.clock.now();
    const { state } = this;
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
      verdicts: { serial: this.verdicts.serial, hash: this.verdicts.hash },
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
    const { order } = this;
    if (order === undefined) return;
    order.settle({ done, message, tookMs: Math.round(this.parts.clock.now() - order.since) });
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
      this.gateOpen = false;
      this.dispatch({ kind: "lease-lost", why: `the kernel's gate did not open: ${why}` });
      this.setLocal();
    }
  }
}

// daemon.ts — the heartbeat daemon: gives the heart its machine, and starts, reloads and ends it.
// long: every part is given to every other here; what decides or acts lives beside it.
import { access } from "node:fs/promises";
import type {
  ClearFlapsAnswer,
  Clock,
  EventLog,
  HeartbeatStatus,
  MakeActiveAnswer,
  Millis,
  Verdicts,
} from "@lbpair/common";
import { type Designation, RefusalError, withoutZone } from "@lbpair/common/light";
import type { HeartbeatMemory } from "./adapters/epoch-store.js";
import type { LinkEvent } from "./adapters/link-event.js";
import { AddressGuard } from "./address-guard.js";
import { Advertiser } from "./advertiser.js";
import { FAULTS_SAID } from "./core/advert-bytes.js";
import type { Received } from "./core/conversation.js";
import type { QueuedEffect } from "./core/effects.js";
import { type ElectionState, peerAlive, startElection } from "./core/election-state.js";
import { Heart } from "./core/heart.js";
import { PathWatch } from "./core/path-watch.js";
import type { HeldLength, Stepped } from "./core/ports.js";
import { witnessInterval } from "./core/witness-view.js";
import type { DaemonParts } from "./daemon-parts.js";
import { EffectQueue } from "./effect-queue.js";
import { isDue, recallFlaps, rememberFlaps } from "./flap-memory.js";
import { createForwarderLink, type ForwarderLink } from "./forwarder-link.js";
import { beats, type HeartMachine, heartPorts } from "./heart-ports.js";
import type { Holder } from "./holder.js";
import { inherit } from "./inherit.js";
import { keepIntent, withOrder } from "./intent.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import { NetworkWatch } from "./network-watch.js";
import { PendingOrder } from "./pending-order.js";
import { type Machine, perform, reminders } from "./perform.js";
import { PingWatch } from "./ping-watch.js";
import { Pulse } from "./pulse.js";
import { prolongForRestart } from "./restart.js";
import { describeSaying } from "./saying.js";
import { loadSettings, pathsDiffer, type Settings, virtualDigest } from "./settings.js";
import { describeStatus } from "./status-view.js";
import { TransitionTrace } from "./transition-trace.js";
import { VerdictExchange } from "./verdict-exchange.js";

export class HeartbeatDaemon implements Machine, HeartMachine {
  readonly lease: LeaseKeeper;
  readonly holder: Holder;
  readonly announcer: Machine["announcer"];
  readonly network: NetworkWatch;
  readonly events: EventLog;
  readonly startedAt: Millis;
  readonly heart: Heart;
  readonly pulse: Pulse;
  readonly guard: AddressGuard;
  readonly clock: Clock;
  readonly queue: EffectQueue<QueuedEffect>;
  readonly forwarder: ForwarderLink;
  readonly exchange: VerdictExchange;
  readonly trace: TransitionTrace;
  readonly pings: PingWatch;
  settings: Settings;
  advertiser: Advertiser | undefined;
  forwarderReady = false;
  /** Whether the kernel lets this process run before everything that has no deadline. */
  realtime: HeartbeatStatus["realtime"] = { granted: true, reason: "" };
  private readonly parts: DaemonParts;
  private readonly order: PendingOrder;
  private paths = new PathWatch();
  private started = false;
  private upkeeps = 0;
  private reloading: Promise<unknown> = Promise.resolve();
  private stopped: (() => void) | undefined;

  constructor(parts: DaemonParts) {
    const { clock, events, lease, holder, announcer } = parts;
    this.parts = parts;
    this.clock = clock;
    this.lease = lease;
    this.holder = holder;
    this.announcer = announcer;
    this.events = events;
    this.settings = parts.settings;
    this.startedAt = clock.now();
    this.trace = new TransitionTrace(this, parts.transitions);
    this.queue = new EffectQueue(
      (effect) => this.trace.perform(effect, () => perform(effect, this)),
      (effect, error) => this.effectFailed(effect, error),
    );
    this.order = new PendingOrder(clock);
    this.exchange = new VerdictExchange(events);
    this.forwarder = createForwarderLink(parts.paths.socket("forwarder"));
    this.guard = this.createGuard();
    this.pulse = new Pulse(clock, this.settings.election.keepalive, {
      onKeepalive: (lateMs) => beats(this.heart).keepalive(lateMs),
      onDeadline: (lateMs) => beats(this.heart).deadline(lateMs),
      onError: (error) => this.failed("a beat", error),
    });
    this.heart = this.createHeart();
    this.network = this.createNetwork();
    const { ping } = parts;
    this.pings = new PingWatch({ clock, events, ping, onChange: () => this.setLocal() });
  }

  private createNetwork(): NetworkWatch {
    const { clock, events, holder, network, memory } = this.parts;
    const watch = new NetworkWatch({
      clock,
      events,
      holder,
      ...network,
      witnessInterval: () => witnessInterval(this.settings.election),
      onView: (view, lateMs) => this.heart.witnessed(view, lateMs),
      onLearnt: ({ first, neighbour, floatingIp }) => {
        if (first) this.trace.note("neighbour", `${neighbour} has learnt ${floatingIp}`);
      },
      onForwarded: () => this.trace.note("first-packet", "the first packet was forwarded"),
    });
    watch.knowPeer(memory?.peerMacs ?? []);
    return watch;
  }

  private planNetwork(): void {
    const { services, appliance } = this.settings.running;
    const paths = appliance.peer?.paths ?? [];
    this.network.plan(
      services,
      paths.map(({ peer }) => withoutZone(peer)),
    );
  }

  private createGuard(): AddressGuard {
    const { clock, events, lease, holder } = this.parts;
    return new AddressGuard({
      clock,
      events,
      lease,
      holder,
      services: () => this.settings.running.services,
      virtualDigest: () => virtualDigest(this.settings),
      remind: () => this.announcer.remind(reminders(this.holder)),
      holds: () => this.heart.condition === "active",
      answers: () => this.state.phase === "active",
      leaseLength: () => this.leaseLength(),
      perform: (effects) => {
        this.queue.push(effects);
        return this.queue.settled();
      },
      onHealth: () => {
        this.planNetwork();
        this.setLocal();
      },
      onError: (error) => this.failed("keeping the addresses", error),
    });
  }

  private createHeart(): Heart {
    const { election } = this.settings;
    const now = this.clock.now();
    const { memory, bootId } = this.parts;
    const begun = startElection(now, election, memory?.reservedEpoch ?? 0);
    const flaps = recallFlaps(memory, bootId, now);
    return new Heart(heartPorts(this), election, { ...begun, flaps });
  }

  get state(): ElectionState {
    return this.heart.state;
  }

  /** Binds, and asks the peer to make itself known; nothing that is heard counts before `start`. */
  listen(): void {
    this.openPaths();
  }

  /** Adopts what an earlier run of this boot holds by right; gives up what nobody holds by right. */
  async start(): Promise<void> {
    const { parts, heart } = this;
    await this.holder.look(this.settings.running.services, virtualDigest(this.settings));
    await this.holder.check();
    const adopted = await inherit(parts, this.settings.election, () => this.guard.openGate());
    if (adopted === null) {
      const effects = [{ kind: "revoke-lease" }, { kind: "lower" }] as const;
      this.traceRestart(effects);
      for (const effect of effects) {
        const work = this.trace.perform(effect, () => perform(effect, this));
        await work.catch((error) => this.effectFailed(effect, error));
      }
    }
    this.forwarderReady = await access(parts.paths.forwarderReadyFile).then(
      () => true,
      () => false,
    );
    const begun = { ...(adopted ?? heart.state), flaps: heart.state.flaps };
    heart.start(withOrder(begun, parts));
    // What this run may claim has to be within what the disk has reserved.
    this.remember();
    this.planNetwork();
    // Raised again with fresh lifetimes; what is there already is left as it is.
    // Said first: the peer may be about to take this node for dead.
    if (adopted !== null) this.queue.push([{ kind: "send-adverts" }, { kind: "raise" }]);
    this.started = true;
    this.setLocal();
    this.tellCondition();
    this.pulse.start();
    this.planPings();
  }

  /** Only a pair has somewhere to move the role. */
  private planPings(): void {
    const { services, appliance } = this.settings.running;
    this.pings.plan(appliance.peer === undefined ? [] : services.heartbeat.pingNodes);
  }

  private openPaths(): void {
    const { peer, node } = this.settings.running.appliance;
    const { heartbeat } = this.settings.running.services;
    if (peer === undefined || this.settings.key === undefined) return;
    this.paths = new PathWatch();
    this.advertiser = new Advertiser({
      clock: this.clock,
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

  suspendedMs(): number | undefined {
    return this.parts.suspendedMs();
  }

  stepped(step: Stepped): void {
    this.trace.stepped(step);
    this.network.setActive(this.state.phase === "active");
  }

  /** An earlier run that was active, and whose lease has ended, gave its claim up by that. */
  private traceRestart(effects: readonly QueuedEffect[]): void {
    const { memory, bootId } = this.parts;
    if (memory?.active !== true) return;
    this.trace.restarted(memory.epoch, memory.bootId === bootId, effects);
  }

  private received(received: Received): void {
    // Written down: a run that never heard the peer must know its answers for the floating IPs.
    const macs = received.kind === "advert" ? received.advert.macs : [];
    if (macs.length > 0 && this.network.knowPeer(macs)) this.remember();
    this.heart.received(received);
  }

  failed(what: string, error: unknown): void {
    this.parts.log.error({ error: String(error) }, `${what} failed`);
  }

  /** Something happened on the links. */
  onLink(event: LinkEvent): void {
    if (!this.started) return;
    // Each second's prolongation says so of each floating IP.
    if (event.kind === "address-added" && this.holder.isFloating(event.address)) return;
    this.heart.noticeStandstill();
    this.guard.onLink(event);
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
    if (!this.started) return;
    this.heart.dispatch({
      kind: "local",
      ready: this.forwarderReady && this.guard.gateOpen,
      // Compared with what the peer says of its own.
      faults: Math.min(this.holder.faults() + this.pings.lost, FAULTS_SAID),
      pingsLost: this.pings.lost,
      isolated: this.holder.isolated(),
    });
  }

  /** What counts as a fault now, in words. */
  faultList(): string[] {
    const lost = this.pings.lostAddresses.map((address) => `ping node ${address} does not answer`);
    return [...this.holder.faultList(), ...lost];
  }

  async makeActive(designation: Designation, by: string): Promise<MakeActiveAnswer> {
    const late = await keepIntent(this.memory(), this.parts);
    await new Promise<void>((done) => this.heart.hearAll(done));
    const answer = await this.order.give(() =>
      this.heart.dispatch({ kind: "make-active", designation, by }),
    );
    return { ...answer, message: `${answer.message}${late}` };
  }

  /** Forgets the moves of the role by health; tells what there was. */
  clearFlaps(by: string): ClearFlapsAnswer {
    const { moves, heldForMs } = this.status().flaps;
    this.heart.dispatch({ kind: "clear-flaps", by });
    return { moves, heldForMs };
  }

  /** One at a time: two would open the same paths twice. */
  reload(): Promise<{ readonly changed: number }> {
    const reloaded = this.reloading.then(() => this.reloadNow());
    this.reloading = reloaded.catch(() => undefined);
    return reloaded;
  }

  private async reloadNow(): Promise<{ readonly changed: number }> {
    const loaded = await loadSettings(this.parts.paths, this.parts.run);
    if (!loaded.ok) throw new RefusalError(422, "the configuration was refused", loaded.problems);
    const before = this.settings;
    this.settings = loaded.value;
    this.heart.settings = loaded.value.election;
    const newPaths = pathsDiffer(before, loaded.value);
    if (newPaths) {
      await this.advertiser?.close();
      this.advertiser = undefined;
      this.openPaths();
    }
    this.pulse.setPeriod(this.settings.election.keepalive);
    const moved = await this.guard.reconfigure();
    this.planPings();
    this.setLocal();
    // Addresses get the lifetimes of the lease that is right now: without a peer, none.
    this.queue.push([{ kind: "raise" }, { kind: "send-adverts" }]);
    await this.queue.settled();
    return { changed: (moved ? 1 : 0) + (newPaths ? 1 : 0) };
  }

  /** Makes ready for a restart that moves no address. */
  async prepareRestart(): Promise<void> {
    this.pulse.stop();
    await this.queue.settled();
    if (this.settings.election.paired) await prolongForRestart(this);
    this.remember();
    this.events.record("info", "restarting", "restarting by order; addresses stay", {});
  }

  /** Hands over where a peer can take over, and resolves when this daemon may end. */
  stop(why: string): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.stopped = resolve;
    });
    this.heart.dispatch({ kind: "stop", why });
    return stopped;
  }

  async close(): Promise<void> {
    this.pulse.stop();
    await this.queue.settled();
    await this.advertiser?.close();
    this.network.close();
    this.pings.close();
  }

  status(): HeartbeatStatus {
    return describeStatus(this, this.clock.now());
  }

  wants(effect: QueuedEffect): boolean {
    return this.heart.wants(effect);
  }

  leaseLength(): HeldLength {
    return this.heart.leaseLength;
  }

  /** In its turn, behind what the adverts will speak of. */
  sayNow(): void {
    this.heart.say();
  }

  sendAdverts(probing: boolean): void {
    // A run that does not know yet whether it adopts would call itself passive, and the peer would claim.
    if (!this.started) return;
    const { state, settings } = this;
    const leaseMs = this.lease.mayAnswerMs(this.clock.now());
    const verdicts = this.exchange.id;
    const wallMs = this.clock.wall().getTime();
    const latenessMs = this.heart.lateness.recentMs;
    const macs = this.holder.macs();
    const known = { state, settings, leaseMs, verdicts, wallMs, latenessMs, macs, probing };
    this.advertiser?.say(describeSaying(known));
  }

  remember(): void {
    this.parts.remember(this.memory());
  }

  private memory(): HeartbeatMemory {
    const { epoch, highestEpoch, because, failbackHeldUntil } = this.state;
    const active = this.heart.condition === "active";
    const { bootId } = this.parts;
    const { peerMacs } = this.network;
    const flaps = rememberFlaps(this.state.flaps, this.clock.now());
    return { epoch, highestEpoch, bootId, active, because, peerMacs, flaps, failbackHeldUntil };
  }

  upkeep(): void {
    this.upkeeps += 1;
    if (isDue(this.state.flaps, this.upkeeps)) this.remember();
    this.judgePaths();
  }

  /** A path that fails is a warning, whatever it is; the role never moves for it. */
  private judgePaths(): void {
    const { election } = this.settings;
    const now = this.clock.now();
    const alive = peerAlive(this.state, election, now);
    for (const one of this.paths.judge(this.advertiser?.views() ?? [], alive, election, now)) {
      const event = one.trouble === null ? "path-back" : (`path-${one.trouble}` as const);
      const level = one.trouble === null ? "info" : "warn";
      this.events.record(level, event, one.text, { path: one.path + 1 });
    }
  }

  tellCondition(): void {
    const alive = peerAlive(this.state, this.settings.election, this.clock.now());
    this.forwarder.tell(this.heart.condition, alive);
  }

  reply(done: boolean, message: string): void {
    this.order.answer(done, message);
  }

  exit(): void {
    this.stopped?.();
  }

  private effectFailed(effect: QueuedEffect, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.events.record("alarm", "effect-failed", `${effect.kind} failed: ${why}`, {
      effect: effect.kind,
    });
    if (effect.kind === "raise") this.setLocal();
    if (effect.kind === "grant-lease") {
      // Without a lease nothing may be claimed; until the gate opens again this node is not ready.
      this.guard.gateOpen = false;
      this.heart.dispatch({ kind: "lease-lost", why: `the kernel's gate did not open: ${why}` });
      this.setLocal();
    }
  }
}

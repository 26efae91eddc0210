// daemon.ts — the heartbeat daemon: gives the heart its machine, and starts, reloads and ends it.
import { access } from "node:fs/promises";
import type { Clock, EventLog, HeartbeatStatus, Millis, Verdicts } from "@lbpair/common";
import type { LinkEvent } from "./adapters/link-event.js";
import type { AddressGuard } from "./address-guard.js";
import type { Advertiser } from "./advertiser.js";
import { FAULTS_SAID } from "./core/advert-bytes.js";
import type { Received } from "./core/conversation.js";
import type { QueuedEffect } from "./core/effects.js";
import { type ElectionState, startElection } from "./core/election-state.js";
import { Heart } from "./core/heart.js";
import type { HeldLength, Stepped } from "./core/ports.js";
import { peerAlive } from "./core/silence.js";
import { createGuard, createNetwork, planNetwork, planPings } from "./daemon-links.js";
import type { DaemonParts } from "./daemon-parts.js";
import { EffectQueue } from "./effect-queue.js";
import { isDue, recallFlaps } from "./flap-memory.js";
import { createForwarderLink, type ForwarderLink } from "./forwarder-link.js";
import { beats, type HeartMachine, heartPorts } from "./heart-ports.js";
import type { Holder } from "./holder.js";
import { withOrder } from "./intent.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import type { NetworkWatch } from "./network-watch.js";
import { OperatorOrders } from "./operator-orders.js";
import { memoryOf } from "./own-memory.js";
import { PeerPaths } from "./peer-paths.js";
import { type Machine, perform } from "./perform.js";
import { PingWatch } from "./ping-watch.js";
import { Pulse } from "./pulse.js";
import { Reload } from "./reload.js";
import { prolongForRestart } from "./restart.js";
import { describeSaying } from "./saying.js";
import type { Settings } from "./settings.js";
import { describeStatus } from "./status-view.js";
import { takeUp } from "./take-up.js";
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
  readonly peerPaths: PeerPaths;
  readonly orders: OperatorOrders;
  settings: Settings;
  forwarderReady = false;
  /** Whether the kernel lets this process run before everything that has no deadline. */
  realtime: HeartbeatStatus["realtime"] = { granted: true, reason: "" };
  private readonly parts: DaemonParts;
  private started = false;
  private upkeeps = 0;
  private readonly reloading: Reload;
  private stopped: (() => void) | undefined;

  constructor(parts: DaemonParts) {
    const { clock, events, lease, holder, announcer, ping } = parts;
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
    this.orders = new OperatorOrders(this, parts);
    this.exchange = new VerdictExchange(events);
    this.forwarder = createForwarderLink(parts.paths.socket("forwarder"));
    this.peerPaths = new PeerPaths({ ...parts, onReceived: (one) => this.received(one) });
    this.reloading = new Reload(this, parts);
    this.guard = createGuard(this);
    this.pulse = new Pulse(clock, this.settings.election.keepalive, {
      onKeepalive: (lateMs) => beats(this.heart).keepalive(lateMs),
      onDeadline: (lateMs) => beats(this.heart).deadline(lateMs),
      onError: (error) => this.failed("a beat", error),
    });
    this.heart = this.createHeart();
    this.network = createNetwork(this, parts);
    this.pings = new PingWatch({ clock, events, ping, onChange: () => this.setLocal() });
  }

  private createHeart(): Heart {
    const { election } = this.settings;
    const now = this.clock.now();
    const { memory, bootId } = this.parts;
    const begun = startElection(now, election, memory?.reservedEpoch ?? 0);
    const flaps = recallFlaps(memory, bootId, now);
    return new Heart(heartPorts(this), election, { ...begun, flaps });
  }

  get advertiser(): Advertiser | undefined {
    return this.peerPaths.advertiser;
  }

  get state(): ElectionState {
    return this.heart.state;
  }

  /** Binds, and asks the peer to make itself known; nothing that is heard counts before `start`. */
  listen(): void {
    this.peerPaths.open(this.settings);
  }

  /** Adopts what an earlier run of this boot holds by right; gives up what nobody holds by right. */
  async start(): Promise<void> {
    const { parts, heart } = this;
    const adopted = await takeUp(this, parts);
    this.forwarderReady = await access(parts.paths.forwarderReadyFile).then(
      () => true,
      () => false,
    );
    const begun = { ...(adopted ?? heart.state), flaps: heart.state.flaps };
    heart.start(withOrder(begun, parts));
    // What this run may claim has to be within what the disk has reserved.
    this.remember();
    planNetwork(this);
    // Raised again with fresh lifetimes; what is there already is left as it is.
    // Said first: the peer may be about to take this node for dead.
    if (adopted !== null) this.queue.push([{ kind: "send-adverts" }, { kind: "raise" }]);
    this.started = true;
    this.setLocal();
    this.tellCondition();
    this.pulse.start();
    planPings(this);
  }

  suspendedMs(): number | undefined {
    return this.parts.suspendedMs();
  }

  stepped(step: Stepped): void {
    this.trace.stepped(step);
    this.network.setActive(this.state.phase === "active");
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

  /** What the forwarder says of itself; true = it need not be said again: the start looks for itself. */
  onForwarder(ready: boolean, reason: string, verdicts: Verdicts): boolean {
    if (ready !== this.forwarderReady) {
      const text = ready ? "the forwarder is ready" : `the forwarder is not ready: ${reason}`;
      this.events.record(ready ? "info" : "warn", "forwarder-ready", text, { ready });
    }
    const changed = this.exchange.learn(verdicts);
    this.forwarderReady = ready;
    this.setLocal();
    if (changed) this.queue.push([{ kind: "send-adverts" }]);
    return this.started;
  }

  setLocal(): void {
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

  reload(): Promise<{ readonly changed: number }> {
    return this.reloading.begin();
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
    this.parts.remember(memoryOf(this, this.parts.bootId));
  }

  upkeep(): void {
    this.upkeeps += 1;
    if (isDue(this.state.flaps, this.upkeeps)) this.remember();
    this.peerPaths.judge(this.state, this.settings);
  }

  tellCondition(): void {
    const alive = peerAlive(this.state, this.settings.election, this.clock.now());
    this.forwarder.tell(this.heart.condition, alive);
  }

  reply(done: boolean, message: string): void {
    this.orders.answer(done, message);
  }

  exit(): void {
    this.stopped?.();
  }

  effectFailed(effect: QueuedEffect, error: unknown): void {
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

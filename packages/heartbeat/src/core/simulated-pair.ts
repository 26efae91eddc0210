// simulated-pair.ts — two whole nodes in simulated time, for tests: what they decide, and who answers ARP.
//
// Real: election, conversation, wire, still-wanted. Modelled: the kernel's lease (ends by itself), the
// addresses, the effect queue with a slow `ip`, freezes, crashes with memory, one network with two directions.
import { type Designation, millis } from "@lbpair/common";
import { type Advert, hearsNothing, NO_REVISION } from "./advert.js";
import { Conversation } from "./conversation.js";
import type { Effect } from "./effects.js";
import { step } from "./election.js";
import {
  adoptElection,
  conditionOf,
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  leaseLength,
  nextDeadline,
  peerAlive,
  startElection,
} from "./election-state.js";
import { World } from "./simulated-world.js";
import { stillWanted } from "./still-wanted.js";
import { encodeAdvert, WIRE_VERSION } from "./wire.js";

/** As the real memory does: what a run before may have claimed unwritten. */
const RESERVED = 100;
const common = { paired: true, keepalive: 200, deadtime: 1000, initdead: 31_000, lease: 800 };
const settingsOf = (designation: Designation, autoFailback: boolean): ElectionSettings => ({
  ...common,
  designation,
  loneLease: 30_000,
  autoFailback,
});
// Whole datagrams are what is simulated, not their signature.
const MAC = new Uint8Array(32);
const sign = () => MAC;

/** Both nodes in one world, not started yet. */
export type PairWorld = World<SimNode>;
export const pairWorld = (seed: number): PairWorld =>
  new World(seed, (world) => {
    const failback = world.random() < 0.2;
    return [
      new SimNode(world, settingsOf("primary", failback)),
      new SimNode(world, settingsOf("secondary", failback)),
    ];
  });

export class SimNode {
  readonly world: PairWorld;
  readonly settings: ElectionSettings;
  /** Counts processes: what an ended one had pending is dropped. */
  run = 0;
  up = false;
  frozenUntil = 0;
  private inbox: Uint8Array[] = [];
  state: ElectionState;
  private conversation: Conversation;
  private keptUntil: number | null = null;
  private busyUntil = 0;
  private saidAt = 0;
  private wake = 0;
  // The kernel and the disk outlive the process.
  leaseUntil = Number.NEGATIVE_INFINITY;
  grantedAt = Number.NEGATIVE_INFINITY;
  heldUntil = Number.NEGATIVE_INFINITY;
  private disk = { epoch: 0, highestEpoch: 0, active: false };
  highestClaim = 0;

  constructor(world: PairWorld, settings: ElectionSettings) {
    this.world = world;
    this.settings = settings;
    this.state = startElection(millis(0), settings, 0);
    this.conversation = this.newConversation();
  }
  get frozen(): boolean {
    return this.world.now < this.frozenUntil;
  }
  hears(): boolean {
    return peerAlive(this.state, this.settings, millis(this.world.now));
  }
  answers(): boolean {
    return this.leaseUntil > this.world.now && this.heldUntil > this.world.now;
  }
  private newConversation(): Conversation {
    const digits = () =>
      Math.floor(this.world.random() * 2 ** 32)
        .toString(16)
        .padStart(8, "0");
    return new Conversation({
      designation: this.settings.designation,
      sign,
      newSession: () => digits() + digits(),
      now: millis(this.world.now),
      deadtime: this.settings.deadtime,
      paths: 1,
    });
  }
  private say(text: string): void {
    this.world.say(`${this.settings.designation}: ${text}`);
  }
  /** Does it in this process, once it is not frozen. */
  private later(ms: number, work: () => void): void {
    const { run } = this;
    const attempt = () => {
      if (run !== this.run || !this.up) return;
      if (this.frozen) this.world.after(this.frozenUntil - this.world.now, attempt);
      else work();
    };
    this.world.after(ms, attempt);
  }

  start(): void {
    const { world, settings, disk } = this;
    this.run += 1;
    this.up = true;
    this.inbox = [];
    this.busyUntil = world.now;
    this.conversation = this.newConversation();
    const left = this.leaseUntil - world.now;
    const adopts = left > 0 && disk.active && disk.epoch >= disk.highestEpoch;
    this.say(adopts ? `starts and adopts ${disk.epoch}` : "starts");
    if (adopts) {
      this.state = adoptElection(millis(world.now), settings, disk.epoch, left);
      this.grant();
      this.push([{ kind: "send-adverts" }, { kind: "raise" }]);
    } else {
      const seen = disk.highestEpoch === 0 ? 0 : disk.highestEpoch + RESERVED;
      this.state = startElection(millis(world.now), settings, seen);
      this.keptUntil = null;
      this.leaseUntil = this.heldUntil = world.now;
    }
    this.later(1, () => this.dispatch({ kind: "local", ready: true, faults: 0, isolated: false }));
    this.later(2, () => this.beat(world.now));
  }
  crash(rebooted: boolean): void {
    if (!this.up) return;
    this.say(rebooted ? "reboots" : "is killed");
    this.up = false;
    this.frozenUntil = 0;
    if (!rebooted) return;
    this.leaseUntil = this.heldUntil = this.world.now;
    this.disk = { ...this.disk, active: false };
  }
  freeze(ms: number): void {
    if (!this.up || this.frozen) return;
    this.say(`is frozen for ${ms.toFixed(0)} ms`);
    this.frozenUntil = this.world.now + ms;
    this.later(0, () => this.drain());
  }
  order(designation: Designation): void {
    this.say(`is told to make the ${designation} active`);
    this.later(0, () => this.dispatch({ kind: "make-active", designation, by: "an operator" }));
  }
  unready(ms: number): void {
    this.say(`is not ready for ${ms.toFixed(0)} ms`);
    const local = (ready: boolean) => () =>
      this.dispatch({ kind: "local", ready, faults: 0, isolated: false });
    this.later(0, local(false));
    this.later(ms, local(true));
  }
  datagram(bytes: Uint8Array): void {
    if (!this.up) return;
    this.inbox.push(bytes);
    if (!this.frozen) this.drain();
  }
  private drain(): void {
    this.noticeStandstill();
    const now = millis(this.world.now);
    for (let bytes = this.inbox.shift(); bytes !== undefined; bytes = this.inbox.shift()) {
      const received = this.conversation.receive(0, bytes, true, now);
      if (received.kind === "hello" || (received.kind === "advert" && received.met)) {
        if (this.acknowledged()) this.advertise();
        else this.push([{ kind: "send-adverts" }]);
      }
      if (received.kind !== "advert") continue;
      const deaf = hearsNothing(received.advert, this.settings.deadtime);
      this.dispatch({ kind: "advert", peer: { ...received.advert, deaf } });
    }
  }
  private noticeStandstill(): void {
    const lapsed = this.keptUntil !== null && this.world.now > this.keptUntil;
    if (lapsed) this.dispatch({ kind: "lease-lost", why: "stood still" });
  }
  private beat(dueAt: number): void {
    const { world } = this;
    const { keepalive } = this.settings;
    this.drain();
    const lateMs = world.now - dueAt;
    if (lateMs > 2 * keepalive) this.dispatch({ kind: "stalled", lateMs });
    if (this.keptUntil !== null && this.state.phase === "active") {
      if (world.now > this.leaseUntil) this.dispatch({ kind: "lease-lost", why: "lapsed" });
      else this.grant();
    }
    this.dispatch({ kind: "tick" });
    // As the daemon's catchUp.
    if (world.now - this.saidAt > 1.5 * keepalive && this.acknowledged()) this.advertise();
    // The upkeep: addresses live on.
    if (conditionOf(this.state) === "active") this.raise();
    const next = dueAt + keepalive * (1 + Math.floor((world.now - dueAt) / keepalive));
    this.later(next - world.now + world.between(0, 10), () => this.beat(next));
  }
  private acknowledged(): boolean {
    return (this.state.phase === "active") === (this.keptUntil !== null);
  }
  dispatch(event: ElectionEvent): void {
    const now = millis(this.world.now);
    const [next, effects] = step(this.state, event, now, this.settings);
    if (next.phase !== this.state.phase)
      this.say(`${next.phase}, epoch ${next.epoch}: ${next.because}`);
    if (next.epoch !== this.state.epoch) {
      if (next.epoch <= this.highestClaim) {
        throw new Error(`claims ${next.epoch} after ${this.highestClaim}`);
      }
      this.highestClaim = next.epoch;
      this.world.epochs = Math.max(this.world.epochs, next.epoch);
    }
    this.state = next;
    if (effects.some(({ kind }) => kind === "revoke-lease")) this.revoke();
    this.push(effects);
    const at = nextDeadline(next, this.settings);
    const wake = ++this.wake;
    if (at === undefined) return;
    const due = Math.max(at, now);
    this.later(due - now, () => {
      if (wake !== this.wake) return;
      this.drain();
      const lateMs = this.world.now - due;
      if (lateMs > 2 * this.settings.keepalive) this.dispatch({ kind: "stalled", lateMs });
      this.dispatch({ kind: "deadline" });
    });
  }
  private push(effects: readonly Effect[]): void {
    const { world } = this;
    for (const effect of effects) {
      const slow = effect.kind === "raise" || effect.kind === "lower";
      const cost = slow ? (world.random() < 0.02 ? 700 : world.between(3, 30)) : 0.5;
      this.busyUntil = Math.max(world.now, this.busyUntil) + cost;
      this.later(this.busyUntil - world.now, () => this.perform(effect));
    }
  }
  private length(): number {
    return leaseLength(this.state, this.settings, millis(this.world.now)) ?? 0;
  }
  private raise(): void {
    this.heldUntil = this.world.now + this.length() + 2000;
  }
  private grant(): void {
    this.grantedAt = this.world.now;
    this.leaseUntil = this.keptUntil = this.world.now + this.length();
  }
  private revoke(): void {
    this.leaseUntil = this.world.now;
    this.keptUntil = null;
  }
  private perform(effect: Effect): void {
    if (!stillWanted(effect, this.state)) return;
    if (effect.kind === "grant-lease") this.grant();
    if (effect.kind === "refresh-lease" && this.keptUntil !== null) this.grant();
    if (effect.kind === "revoke-lease") this.revoke();
    if (effect.kind === "raise") this.raise();
    if (effect.kind === "lower") this.heldUntil = this.world.now;
    if (effect.kind === "send-adverts") this.advertise();
    if (effect.kind !== "remember") return;
    const { epoch, highestEpoch } = this.state;
    const active = conditionOf(this.state) === "active";
    const write = () => Object.assign(this.disk, { epoch, highestEpoch, active });
    this.later(this.world.between(1, 60), write);
  }
  private advertise(): void {
    const { state, conversation, settings } = this;
    const { now } = this.world;
    this.saidAt = now;
    const { mine, accepted, candidate } = conversation.session;
    const advert: Advert = {
      version: conversation.version,
      newest: WIRE_VERSION,
      forHealth: false,
      probing: false,
      pingsLost: 0,
      latenessMs: 0,
      macs: [],
      sentUs: Math.round(now * 1000),
      designation: settings.designation,
      active: conditionOf(state) === "active",
      ready: state.ready,
      yielding: state.phase === "handing-over",
      requesting: state.request !== null,
      faults: state.faults,
      path: 0,
      leaseMs: Math.ceil(Math.max(0, (this.keptUntil ?? now) - now)),
      sequence: conversation.nextSequence(),
      session: mine,
      echo: accepted,
      echoCandidate: candidate,
      bootId: "0".repeat(32),
      epoch: state.epoch,
      highestEpoch: state.highestEpoch,
      verdicts: NO_REVISION,
      revision: NO_REVISION,
      modes: NO_REVISION,
      wallMs: 0,
      hearing: conversation.hearing(millis(now)),
    };
    this.world.send(settings.designation, encodeAdvert(advert, sign));
  }
}

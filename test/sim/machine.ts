// machine.ts — one machine of the pair: its clocks, kernel and disk, and the daemon that runs on it or does not.
import { type Millis, millis } from "@lbpair/common";
import { DaemonRun } from "./daemon-run.js";
import { Disk } from "./disk.js";
import { type Due, EventHeap } from "./event-heap.js";
import { Kernel } from "./kernel.js";
import { MachineClock } from "./machine-clock.js";
import type { Wire } from "./network.js";
import type { Ills, World } from "./world.js";

export type Gap = "shown" | "suspended" | "hidden";

/** Keepalives that `ip` takes at most where it is slow: about a deadtime at the usual timings. */
export const SLOW_IP_KEEPALIVES = 4.5;
/** Frames that a network card keeps for a machine that stands still. */
const CARD_FRAMES = 60;

/** What strikes the daemon between two effects of a later list. */
export interface Strike {
  readonly kind: "crash" | "freeze" | "power";
  /** Effects that are still performed before. */
  left: number;
  readonly blow: () => void;
}

export class Machine {
  world: World;
  readonly side: 0 | 1;
  clock: MachineClock;
  kernel = new Kernel();
  readonly disk = new Disk();
  bootId: string;
  powered = true;
  /** How the clocks will show the gap, while the whole machine stands still; null = it runs. */
  stopped: Gap | null = null;
  daemon: DaemonRun | null = null;
  strike: Strike | null = null;
  /** Whether a daemon was to start while the machine stood still. */
  private startsLater = false;
  /** What the disk says of the peer's MACs. */
  peerMacs: readonly string[] = [];
  /** When it last went on after a pause that its clocks hide, by the world's clock. */
  hiddenUntil = Number.NEGATIVE_INFINITY;
  /** Whether it was about to answer for the floating IPs when it came to stand still. */
  stoppedInClaim = false;
  /** When it last went on after a pause, by the world's clock. */
  resumedAt = Number.NEGATIVE_INFINITY;
  /** Since when no daemon has run here, by the world's clock; null = one does. */
  quietSince: number | null = 0;
  private runs = 0;
  private due = new EventHeap();
  private order = 0;
  /** What was due while the daemon was frozen. */
  private held: Due[] = [];
  private card: (() => void)[] = [];
  /** What one run of the daemon wants of `ip`; the first is under way. */
  private ipTurns: { readonly run: number; readonly waiting: (() => void)[] } = {
    run: 0,
    waiting: [],
  };

  constructor(world: World, side: 0 | 1) {
    this.world = world;
    this.side = side;
    this.bootId = world.random.hex16() + world.random.hex16();
    this.clock = this.freshClock();
  }

  private freshClock(): MachineClock {
    const { random, now } = this.world;
    return new MachineClock(now, random.between(1000, 50_000), 1 + random.between(-2e-4, 2e-4));
  }

  get name(): string {
    return this.side === 0 ? "primary" : "secondary";
  }

  get ills(): Ills {
    return this.world.ills[this.side];
  }

  /** Its own monotonic clock. */
  now(): Millis {
    return millis(this.clock.now(this.world.now));
  }

  get running(): boolean {
    return this.powered && this.stopped === null;
  }

  say(text: string): void {
    this.world.trace?.push({ at: this.world.now, who: this.name, text });
  }

  /** `run` 0 = not the daemon's own. */
  after(ms: number, run: number, timer: boolean, work: () => void): void {
    this.order += 1;
    this.due.push({ at: this.now() + Math.max(0, ms), order: this.order, run, timer, work });
  }

  /** World time at which something is due here. */
  get nextAt(): number {
    const at = this.running ? this.due.nextAt : Number.POSITIVE_INFINITY;
    return at === Number.POSITIVE_INFINITY ? at : this.clock.worldAt(at);
  }

  /** Does what is due first. */
  fire(): void {
    const due = this.due.pop();
    if (due === undefined) return;
    if (due.run === 0) due.work();
    else this.run(due);
    this.daemon?.effects.go();
  }

  private run(due: Due): void {
    const { daemon } = this;
    if (daemon === null || daemon.run !== due.run) return;
    if (daemon.frozen) this.held.push(due);
    else due.work();
  }

  /** Something has come by a file descriptor for a run of the daemon. */
  forDaemon(run: number, work: () => void): void {
    this.order += 1;
    this.run({ at: this.now(), order: this.order, run, timer: false, work });
    this.daemon?.effects.go();
  }

  /** A frame has come to the card. */
  frame(work: () => void): void {
    if (!this.powered) return;
    if (this.stopped === null) work();
    else if (this.stopped !== "suspended" && this.card.length < CARD_FRAMES) this.card.push(work);
  }

  datagram(path: number, bytes: Uint8Array): void {
    this.daemon?.mail.datagram(path, bytes);
    this.daemon?.effects.go();
  }

  /**
   * Has `ip` change something, one at a time as the daemon does, then goes on with the daemon; what `ip`
   * was told is done without it.
   */
  ip(run: number, change: () => void, done: () => void): void {
    const begin = () => {
      const { random, timing } = this.world;
      const ms = this.ills.slowIp
        ? random.between(0.5, SLOW_IP_KEEPALIVES) * timing.keepalive
        : random.between(0.5, 6);
      this.after(ms, 0, false, () => {
        change();
        this.forDaemon(run, () => {
          turns.waiting.shift();
          turns.waiting[0]?.();
          done();
        });
      });
    };
    if (this.ipTurns.run !== run) this.ipTurns = { run, waiting: [] };
    const turns = this.ipTurns;
    turns.waiting.push(begin);
    if (turns.waiting.length === 1) begin();
  }

  /** Whether an ARP request on this wire is answered for the floating IPs. */
  answersOn(wire: Wire): boolean {
    return this.running && wire.carrier[this.side] && this.kernel.answers(this.now());
  }

  startDaemon(): void {
    if (this.daemon !== null || !this.powered) return;
    this.startsLater = this.stopped !== null;
    if (this.startsLater) return;
    this.say("the daemon starts");
    this.runs += 1;
    this.held = [];
    this.daemon = new DaemonRun(this, this.runs);
    this.world.started();
  }

  /** Asks something of the daemon, which does it once it is not frozen. */
  whenAwake(work: (daemon: DaemonRun) => void): void {
    const { daemon } = this;
    if (daemon !== null) this.after(0, daemon.run, true, () => work(daemon));
  }

  killDaemon(): void {
    const { daemon } = this;
    if (daemon === null) return;
    daemon.alive = false;
    this.daemon = null;
    this.quietSince ??= this.world.now;
    this.strike = null;
    this.disk.abandon();
  }

  /** The daemon ends by itself, and its supervisor is told. */
  endDaemon(daemon: DaemonRun): void {
    if (this.daemon !== daemon) return;
    this.say("the daemon ends in order");
    this.killDaemon();
    this.world.ended(this.side);
  }

  freeze(ms: number): void {
    const { daemon } = this;
    if (daemon === null || daemon.frozen) return;
    daemon.frozen = true;
    this.quietSince ??= this.world.now;
    this.after(ms, 0, false, () => {
      if (this.daemon === daemon) this.thaw(daemon);
    });
  }

  /** Overdue timers run before anything is read: so it was measured of Node. */
  private thaw(daemon: DaemonRun): void {
    this.say("the daemon goes on");
    daemon.frozen = false;
    this.quietSince = null;
    daemon.awakeSince = this.world.now;
    const held = this.held;
    this.held = [];
    for (const due of [
      ...held.filter(({ timer }) => timer),
      ...held.filter(({ timer }) => !timer),
    ]) {
      this.run(due);
    }
    if (daemon.runs) daemon.mail.read();
  }

  /** Called between two effects: whether the daemon is struck here. */
  strikesNow(): boolean {
    const { strike } = this;
    if (strike === null) return false;
    strike.left -= 1;
    if (strike.left >= 0) return false;
    this.strike = null;
    strike.blow();
    return this.daemon === null || this.daemon.frozen;
  }

  /** Whether its daemon is active and the kernel has not taken its lease yet. */
  private get claims(): boolean {
    return this.daemon?.heart.state.phase === "active" && !this.daemon.book.held;
  }

  stop(gap: Gap): void {
    if (!this.running) return;
    this.stopped = gap;
    this.stoppedInClaim = this.claims;
    this.quietSince ??= this.world.now;
    this.clock.stop(this.world.now);
  }

  resume(): void {
    if (this.stopped === null) return;
    this.clock.resume(this.world.now, this.stopped);
    if (this.stopped === "hidden") this.hiddenUntil = this.world.now;
    this.resumedAt = this.world.now;
    if (this.daemon !== null && !this.daemon.frozen) this.quietSince = null;
    this.stopped = null;
    if (this.startsLater) this.startDaemon();
    const frames = this.card;
    this.card = [];
    this.after(0.01, 0, false, () => {
      for (const frame of frames) frame();
    });
  }

  /** The power is gone; with it the kernel's state, and on request the disk's last write. */
  powerOff(lastWriteLost: boolean): void {
    this.startsLater = false;
    this.killDaemon();
    this.powered = false;
    this.stopped = null;
    this.card = [];
    this.disk.loseThePower(lastWriteLost);
  }

  powerOn(): void {
    if (this.powered) return;
    this.powered = true;
    this.bootId = this.world.random.hex16() + this.world.random.hex16();
    this.kernel = new Kernel();
    this.due = new EventHeap();
    this.clock = this.freshClock();
  }

  /** Goes on in another world as if nothing had been: a snapshot, or a clone. */
  moveTo(world: World): void {
    this.stoppedInClaim = this.claims;
    const from = this.world.now;
    this.world = world;
    this.clock.moveTo(world.now, from);
  }
}

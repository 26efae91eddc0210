// world.ts — time, chance, the network and both machines; and whoever looks on after every event.
import type { Stepped } from "@lbpair/heartbeat";
import { KeptBack } from "./earlier-run.js";
import { type Due, EventHeap } from "./event-heap.js";
import { Machine } from "./machine.js";
import { Network, type Wire } from "./network.js";
import { Random } from "./random.js";
import { type PairSettings, pairSettings, pickTiming, type Timing } from "./timing.js";
import { macsOf } from "./witness-rounds.js";

/** What is wrong with one machine's surroundings, whichever snapshot runs there. */
export interface Ills {
  nft: "well" | "late" | "silent";
  /** How often an nft that is silent has told the kernel all the same. */
  nftTells: number;
  /** Until when answers of an nft that was ill may still come. */
  nftIllUntil: number;
  slowIp: boolean;
  /** Until when an `ip` that was slow may still be at work. */
  slowIpUntil: number;
  /** By the world's clock. */
  diskHangsUntil: number;
  forwarderReady: boolean;
  pingsLost: number;
  /** What the wall clock shows: nothing may depend on it. */
  wallMs: number;
  /** Whether raw sockets work. */
  witnessAble: boolean;
}

export interface Said {
  readonly at: number;
  readonly who: string;
  readonly text: string;
}

export interface Watcher {
  /** After each event. */
  look(): void;
  /** After each step of a node's election. */
  stepped(machine: Machine, step: Stepped): void;
  /** A machine says that it is active, and its kernel has not acknowledged its lease. */
  saidTooEarly(machine: Machine): void;
  /** A datagram of the peer was handed to a machine. */
  delivered(to: Machine): void;
  /** A floating IP was found to be answered by the peer. */
  answered(asker: Machine): void;
}

interface Recorded {
  readonly path: number;
  readonly bytes: Uint8Array;
}

/** Datagrams kept of each machine, for whoever plays them again. */
const RECORDED = 40;
const RECORD_EACH = 5;
const OFFERS = 6;

export class World {
  now = 0;
  readonly random: Random;
  readonly timing: Timing;
  readonly settings: PairSettings;
  readonly network: Network;
  readonly ills: readonly [Ills, Ills];
  readonly machines: [Machine, Machine];
  /** Another machine with the memory, address and name of one of the two. */
  clone: Machine | null = null;
  /** What happened, where somebody wants to read it. */
  readonly trace: Said[] | null;
  watcher: Watcher | null = null;
  /** A daemon ended by itself. */
  ended: (side: 0 | 1) => void = () => undefined;
  /** A daemon starts: the fault that it was away for ends only now. */
  started: () => void = () => undefined;
  readonly recorded: readonly [Recorded[], Recorded[]] = [[], []];
  /** What each machine said and the peer has not got, for whoever lets it come late. */
  readonly keptBack: readonly [KeptBack, KeptBack] = [new KeptBack(), new KeptBack()];
  readonly offers: readonly [Recorded[], Recorded[]] = [[], []];
  private sent = 0;
  private order = 0;
  private readonly due = new EventHeap();

  constructor(seed: number, tracing: boolean) {
    this.trace = tracing ? [] : null;
    const random = new Random(seed);
    this.random = random;
    this.timing = pickTiming(random);
    this.settings = pairSettings(this.timing, random);
    this.network = new Network(random);
    const witnessAble = random.chance(0.9);
    const ills = (): Ills => ({
      nft: "well",
      nftTells: 0.5,
      nftIllUntil: 0,
      slowIp: false,
      slowIpUntil: 0,
      diskHangsUntil: 0,
      forwarderReady: true,
      pingsLost: 0,
      wallMs: 1_790_000_000_000,
      witnessAble,
    });
    this.ills = [ills(), ills()];
    this.machines = [new Machine(this, 0), new Machine(this, 1)];
  }

  say(text: string): void {
    this.trace?.push({ at: this.now, who: "world", text });
  }

  after(ms: number, work: () => void): void {
    this.order += 1;
    const due: Due = { at: this.now + ms, order: this.order, run: 0, timer: false, work };
    this.due.push(due);
  }

  /** Plays until then; the watcher looks after every event. */
  play(until: number): void {
    const { machines, due } = this;
    for (;;) {
      const [a, b] = machines;
      let at = due.nextAt;
      let first: Machine | null = null;
      if (a.nextAt < at) {
        at = a.nextAt;
        first = a;
      }
      if (b.nextAt < at) {
        at = b.nextAt;
        first = b;
      }
      if (this.clone !== null && this.clone.nextAt < at) {
        at = this.clone.nextAt;
        first = this.clone;
      }
      if (at > until) break;
      // What was due while a machine stood still is done late, not in the past.
      if (at > this.now) this.now = at;
      if (first === null) due.pop()?.work();
      else first.fire();
      this.watcher?.look();
    }
    this.now = until;
  }

  /** Whoever has this side's address now: with a clone about, sometimes the one and sometimes the other. */
  private at(side: 0 | 1): Machine {
    const { clone } = this;
    if (clone === null || clone.side !== side) return this.machines[side];
    return this.random.chance(0.5) ? clone : this.machines[side];
  }

  send(from: Machine, path: number, bytes: Uint8Array): void {
    const way = this.network.paths[path];
    if (way === undefined) return;
    const { side } = from;
    this.sent += 1;
    if (this.sent % RECORD_EACH === 0) this.record(side, { path, bytes });
    const peer = this.machines[side === 0 ? 1 : 0];
    const back = this.keptBack[side];
    if (back.keeping) {
      if (back.takes(path, bytes, peer.daemon?.session)) return;
      this.deliver(side, path, bytes, this.random.next() * 2);
      return;
    }
    const lost = way.loss[side];
    if (lost > 0 && this.random.chance(lost)) return;
    const ms = this.network.delay(way.wire, side, this.random);
    if (ms === undefined) return;
    this.deliver(side, path, bytes, ms);
    const { twice } = way.wire;
    if (twice > 0 && this.random.chance(twice)) {
      this.deliver(side, path, bytes, ms + this.random.next() * way.wire.delayMs);
    }
  }

  /** A datagram under the name of one side reaches the other after that time. */
  deliver(from: 0 | 1, path: number, bytes: Uint8Array, ms: number): void {
    this.after(ms, () => {
      const to = this.at(from === 0 ? 1 : 0);
      to.frame(() => {
        this.watcher?.delivered(to);
        to.datagram(path, bytes);
      });
    });
  }

  /** Of all that is said an offer does most harm when it is heard again. */
  recordOffer(side: 0 | 1, datagram: Recorded): void {
    this.offers[side].push(datagram);
    if (this.offers[side].length > OFFERS) this.offers[side].shift();
  }

  private record(side: 0 | 1, datagram: Recorded): void {
    const kept = this.recorded[side];
    if (kept.length < RECORDED) kept.push(datagram);
    else kept[this.random.below(RECORDED)] = datagram;
  }

  /**
   * ARP for a floating IP on a wire, or an echo to whoever has it; `done` learns the MAC that answered.
   * The gate keeps ARP back, nothing else: an address that is there answers an echo.
   */
  askFloatingIp(asker: Machine, wire: Wire, echo: boolean, done: (mac: string) => void): void {
    const { side } = asker;
    const there = this.network.delay(wire, side, this.random);
    if (there === undefined) return;
    this.after(there, () => {
      const peer = this.at(side === 0 ? 1 : 0);
      // One that stands still answers when it goes on.
      peer.frame(() => {
        const holds = peer.running && peer.kernel.holds(peer.now());
        if (!(echo ? holds : peer.answersOn(wire))) return;
        const back = this.network.delay(wire, peer.side, this.random);
        if (back === undefined) return;
        this.after(back, () =>
          asker.frame(() => {
            if (echo) this.watcher?.answered(asker);
            done(macsOf(peer.side)[0] ?? "");
          }),
        );
      });
    });
  }

  stepped(machine: Machine, step: Stepped): void {
    const { before, after } = step;
    if (this.trace !== null && before.phase !== after.phase) {
      machine.say(`is ${after.phase} (claim ${after.epoch}): ${after.because}`);
    }
    this.watcher?.stepped(machine, step);
  }
}

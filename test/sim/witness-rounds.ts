// witness-rounds.ts — the real witness of one run of the daemon, asking over the simulated networks.
import { millis } from "@lbpair/common";
import {
  type HeardClaim,
  lookInterval,
  missesRound,
  type Question,
  Witness,
  witnessInterval,
} from "@lbpair/heartbeat";
import type { DaemonRun } from "./daemon-run.js";
import type { Wire } from "./network.js";

const IDLE_ROUND_MS = 10_000;
const NEIGHBOUR_MAC = "02:00:00:00:00:ff";

/** MACs that a machine advertises; both of its networks have the same here. */
export const macsOf = (side: 0 | 1): readonly string[] => [`02:00:00:00:00:0${side + 1}`];
const nameOf = (index: number): string => `net${index}`;

export class WitnessRounds {
  private readonly daemon: DaemonRun;
  private readonly witness = new Witness();
  private asking = 0;
  private missed = false;
  /** What has come to the raw sockets. */
  private inbox: (() => void)[] = [];

  constructor(daemon: DaemonRun) {
    this.daemon = daemon;
    this.plan();
    this.idle();
  }

  private get wires(): readonly Wire[] {
    return this.daemon.machine.world.network.wires;
  }

  /** The links as they are now. */
  plan(): void {
    const { side } = this.daemon.machine;
    const links = this.wires.flatMap(({ serves, carrier }, i) => {
      if (!serves) return [];
      const floatingIps = [`10.0.${i}.1`];
      return [
        { link: nameOf(i), carrier: carrier[side], floatingIps, neighbours: [`10.0.${i}.9`] },
      ];
    });
    this.witness.plan({ links, ownMacs: macsOf(side), peerAddresses: [] });
  }

  private later(ms: number, work: () => void): void {
    this.daemon.machine.after(ms, this.daemon.run, true, work);
  }

  private idle(): void {
    if (!this.witness.suspected) for (const question of this.witness.askIdle()) this.put(question);
    this.later(IDLE_ROUND_MS, () => this.idle());
  }

  begin(peerMacs: readonly string[]): void {
    if (this.witness.suspected) return;
    this.asking += 1;
    const { asking, daemon } = this;
    this.witness.knowPeer(peerMacs);
    this.witness.begin(millis(daemon.machine.now()));
    this.next(asking, 0);
  }

  private next(asking: number, ms: number): void {
    const due = this.daemon.machine.now() + ms;
    this.later(ms, () => this.round(asking, this.daemon.machine.now() - due));
  }

  end(): void {
    this.asking += 1;
    this.witness.end();
  }

  private round(asking: number, lateMs: number): void {
    if (asking !== this.asking) return;
    const { heart, machine } = this.daemon;
    this.poll();
    const questions = this.witness.ask(this.missed);
    this.missed = false;
    heart.witnessed(this.witness.view(machine.ills.witnessAble), lateMs);
    // By what was said now this node may have taken over.
    if (asking !== this.asking) return;
    for (const question of questions) this.put(question);
    const interval = witnessInterval(heart.settings);
    const half = machine.now() + interval / 2;
    this.later(interval / 2, () => {
      if (asking === this.asking) this.missed = missesRound(machine.now() - half, interval);
      this.poll();
    });
    this.next(asking, interval);
  }

  private poll(): void {
    const come = this.inbox;
    this.inbox = [];
    for (const work of come) work();
  }

  private put(question: Question): void {
    const { machine } = this.daemon;
    if (!machine.ills.witnessAble) return;
    const index = Number(question.link.slice(3));
    const wire = this.wires[index];
    if (wire === undefined) return;
    const { link, address } = question;
    if (question.kind === "are-you-there") {
      if (!wire.carrier[machine.side] || !wire.neighbours[machine.side]) return;
      this.answered(() => this.heard({ link, address, mac: NEIGHBOUR_MAC }));
      return;
    }
    const echo = question.kind === "echo";
    machine.world.askFloatingIp(machine, wire, echo, (mac) =>
      this.answered(() => {
        if (!echo) this.heard({ link, address, mac });
        else if (this.witness.echoed({ link, address, mac })) {
          this.daemon.heart.witnessed(this.witness.view(true), 0);
        }
      }),
    );
  }

  private answered(work: () => void): void {
    const { machine, run, heart } = this.daemon;
    const look = lookInterval(witnessInterval(heart.settings));
    machine.after(machine.world.random.next() * look, 0, false, () => {
      this.inbox.push(work);
      machine.forDaemon(run, () => this.poll());
    });
  }

  private heard(claim: HeardClaim): void {
    const { ask } = this.witness.heard(claim, millis(this.daemon.machine.now()));
    for (const question of ask) this.put(question);
  }
}

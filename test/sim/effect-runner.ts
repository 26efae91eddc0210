// effect-runner.ts — a daemon's effects in order, each with its duration; and the fault that strikes at one.
import { conditionOf, type HeldLength, type QueuedEffect } from "@lbpair/heartbeat";
import type { DaemonRun } from "./daemon-run.js";

export class EffectRunner {
  private readonly daemon: DaemonRun;
  private readonly waiting: QueuedEffect[] = [];
  private busy = false;
  private settled: (() => void) | null = null;

  constructor(daemon: DaemonRun) {
    this.daemon = daemon;
  }

  push(effects: readonly QueuedEffect[]): void {
    for (const effect of effects) this.waiting.push(effect);
  }

  /** Calls back once everything pushed so far has been performed. */
  whenSettled(done: () => void): void {
    this.settled = done;
  }

  /** Goes on where nothing is under way. */
  go(): void {
    const { daemon } = this;
    while (!this.busy && this.waiting.length > 0 && daemon.runs) {
      if (daemon.machine.strikesNow()) return;
      const effect = this.waiting.shift();
      if (effect !== undefined && daemon.heart.wants(effect)) this.perform(effect);
    }
    if (this.busy || this.waiting.length > 0 || this.settled === null || !daemon.runs) return;
    const done = this.settled;
    this.settled = null;
    done();
  }

  /** For what takes time: the next effect waits for the returned callback. */
  private hold(): () => void {
    this.busy = true;
    return () => {
      this.busy = false;
    };
  }

  private perform(effect: QueuedEffect): unknown {
    const { daemon } = this;
    const { book, heart } = daemon;
    switch (effect.kind) {
      case "grant-lease": {
        const free = this.hold();
        book.grant(heart.leaseLength, (failed) => {
          free();
          if (failed !== null) daemon.grantFailed(failed);
        });
        return undefined;
      }
      case "refresh-lease":
        if (book.held) book.refresh(heart.leaseLength, this.hold());
        return undefined;
      case "revoke-lease":
        return book.revoke(this.hold());
      case "raise":
        this.raise(heart.leaseLength, this.hold());
        return undefined;
      case "lower": {
        const { machine } = daemon;
        machine.ip(daemon.run, () => machine.kernel.lower(), this.hold());
        return undefined;
      }
      case "send-adverts":
        return heart.say();
      case "remember":
        return daemon.remember();
      case "record":
        return daemon.machine.say(effect.text);
      case "reply":
        return daemon.reply(effect.done, effect.message);
      case "exit":
        return daemon.exit();
      case "announce":
      case "stop-announcing":
      case "tell-condition":
        return undefined;
      default:
        return effect satisfies never;
    }
  }

  raise(length: HeldLength, done: () => void): void {
    const { daemon } = this;
    const { machine } = daemon;
    machine.ip(daemon.run, () => machine.kernel.raise(length, machine.now()), done);
  }

  /** Once a second, beside the effects: addresses live on, and what does not belong goes. */
  upkeep(times: number): void {
    const { daemon } = this;
    const { machine, heart } = daemon;
    const active = conditionOf(heart.state) === "active";
    if (active && heart.leaseLength !== "unlimited") this.raise(heart.leaseLength, () => undefined);
    if (times % 5 !== 0) return;
    const there = machine.kernel.holds(machine.now());
    if (active && !there) this.push([{ kind: "raise" }]);
    if (!active && there)
      machine.ip(
        daemon.run,
        () => machine.kernel.lower(),
        () => undefined,
      );
  }
}

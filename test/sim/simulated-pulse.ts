// simulated-pulse.ts — when a simulated daemon's heart beats, and wakes besides; as pulse.ts of the real one.
import type { DaemonRun } from "./daemon-run.js";

export class SimulatedPulse {
  private readonly daemon: DaemonRun;
  private nextBeatAt = 0;
  private wakeAt: number | undefined;
  private alarmAt = Number.POSITIVE_INFINITY;

  constructor(daemon: DaemonRun) {
    this.daemon = daemon;
  }

  begin(): void {
    this.nextBeatAt = this.daemon.now();
    this.arm();
  }

  private arm(): void {
    if (!this.daemon.beating) return;
    // Timers of Node are late by up to a millisecond and a bit.
    const lateMs = this.daemon.machine.world.random.next() * 1.2;
    this.daemon.after(Math.max(0, this.nextBeatAt - this.daemon.now()) + lateMs, () => this.beat());
  }

  private beat(): void {
    if (!this.daemon.beating) return;
    this.daemon.heart.keepalive(this.daemon.now() - this.nextBeatAt, () => {
      const period = this.daemon.heart.settings.keepalive;
      const missed = Math.floor(Math.max(0, this.daemon.now() - this.nextBeatAt) / period);
      this.nextBeatAt += (missed + 1) * period;
      this.arm();
    });
  }

  /** One timer is enough: a later moment is waited for when the earlier one has come. */
  wake(at: number | undefined): void {
    this.wakeAt = at === undefined ? undefined : Math.max(at, this.daemon.now());
    if (this.wakeAt === undefined || this.alarmAt <= this.wakeAt) return;
    this.setAlarm(this.wakeAt);
  }

  private setAlarm(at: number): void {
    this.alarmAt = at;
    this.daemon.after(
      Math.max(0, at - this.daemon.now()) + this.daemon.machine.world.random.next(),
      () => {
        if (this.alarmAt !== at) return;
        this.alarmAt = Number.POSITIVE_INFINITY;
        const { wakeAt } = this;
        if (wakeAt === undefined || !this.daemon.beating) return;
        if (wakeAt > this.daemon.now()) return this.setAlarm(wakeAt);
        this.wakeAt = undefined;
        this.daemon.heart.deadline(this.daemon.now() - wakeAt, () => undefined);
      },
    );
  }
}

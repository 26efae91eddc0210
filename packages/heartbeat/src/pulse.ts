// pulse.ts — the daemon's rhythm: keepalives on an absolute schedule, and a deadline in between.
import type { Clock, Millis } from "@lbpair/common";

export interface PulseHandlers {
  /** Once each keepalive; `lateMs` says how late. The next one waits for it. */
  readonly onKeepalive: (lateMs: number) => Promise<void>;
  readonly onDeadline: (lateMs: number) => Promise<void>;
  /** A handler that failed; the beats go on. */
  readonly onError: (error: unknown) => void;
}

export class Pulse {
  private readonly clock: Clock;
  private readonly handlers: PulseHandlers;
  private period: number;
  private nextAt: number;
  private keepalive: NodeJS.Timeout | undefined;
  private deadline: NodeJS.Timeout | undefined;
  /** The moment that `deadline` waits for; undefined = none. */
  private askedAt: number | undefined;
  private stopped = false;

  constructor(clock: Clock, period: number, handlers: PulseHandlers) {
    this.clock = clock;
    this.period = period;
    this.handlers = handlers;
    this.nextAt = clock.now();
  }

  start(): void {
    // What came before the first beat was no beat: nobody was late.
    this.nextAt = this.clock.now();
    this.arm();
  }

  setPeriod(period: number): void {
    this.period = period;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.keepalive);
    clearTimeout(this.deadline);
  }

  /** Asks for a call at a moment between keepalives; replaces the moment asked for before. */
  wakeAt(at: number | undefined): void {
    // Most steps of the election ask for the moment that they asked for before.
    if (at === this.askedAt) return;
    clearTimeout(this.deadline);
    this.askedAt = at;
    if (at === undefined || this.stopped) return;
    const due = Math.max(at, this.clock.now());
    this.deadline = setTimeout(() => {
      this.askedAt = undefined;
      void this.handlers.onDeadline(this.clock.now() - due).catch(this.handlers.onError);
    }, due - this.clock.now());
  }

  private arm(): void {
    if (this.stopped) return;
    this.keepalive = setTimeout(
      () => void this.beat(this.clock.now()),
      Math.max(0, this.nextAt - this.clock.now()),
    );
  }

  // setInterval drifts by up to 8 %: each beat is placed on the schedule, and missed ones are skipped.
  private async beat(now: Millis): Promise<void> {
    const lateMs = now - this.nextAt;
    try {
      await this.handlers.onKeepalive(lateMs);
    } catch (error) {
      this.handlers.onError(error);
    } finally {
      const missed = Math.floor(Math.max(0, this.clock.now() - this.nextAt) / this.period);
      this.nextAt += (missed + 1) * this.period;
      this.arm();
    }
  }
}

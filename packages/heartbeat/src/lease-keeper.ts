// lease-keeper.ts — the kernel's lease for the daemon: its book, with nft behind it.
import type { Clock, Millis } from "@lbpair/common";
import type { Lease } from "./adapters/lease.js";
import type { LeaseLength } from "./adapters/lease-line.js";
import type { FloatingIp } from "./core/floating-plan.js";
import { type LeaseAnswer, LeaseBook } from "./core/lease-book.js";
import type { VirtualMac } from "./core/virtual-mac.js";

export type KeptLease = "held" | "lapsed" | "restored";

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

export class LeaseKeeper {
  private readonly lease: Lease;
  private readonly book: LeaseBook;
  private links: readonly string[] = [];
  private addresses: readonly string[] = [];
  private virtual: readonly VirtualMac[] = [];
  /** Until when what arrives for a virtual MAC is let through on suspicion, by this daemon's reckoning. */
  private throughUntil = Number.NEGATIVE_INFINITY;
  /** The longest lease that an nft was told before it was given up, and may still ask for. */
  private doubtedMs = 0;
  private readonly clock: Clock;
  private opening: Promise<unknown> = Promise.resolve();

  constructor(lease: Lease, clock: Clock) {
    this.lease = lease;
    this.clock = clock;
    const answered = (asked: Promise<LeaseAnswer>, done: (answer: LeaseAnswer) => void) => {
      void asked.catch((): LeaseAnswer => "no-answer").then(done);
    };
    const given = (
      length: LeaseLength,
      asked: Promise<LeaseAnswer>,
      done: (answer: LeaseAnswer) => void,
    ) =>
      answered(asked, (answer) => {
        if (answer === "no-answer") this.doubt(length);
        done(answer);
      });
    this.book = new LeaseBook(
      {
        grant: (length, done) => given(length, lease.grant(length), done),
        refresh: (length, done) => given(length, lease.refresh(length), done),
        revoke: (done) => answered(lease.revoke(), done),
        open: (done) => {
          this.reopen().then(
            () => done(null),
            (error: unknown) => done(messageOf(error)),
          );
        },
        get lastRefusal() {
          return lease.lastRefusal;
        },
      },
      () => clock.now(),
    );
  }

  get held(): boolean {
    return this.book.held;
  }

  get length(): LeaseLength | null {
    return this.book.length;
  }

  /** Milliseconds left; Infinity = it never ends; 0 = none. */
  remainingMs(now: Millis): number {
    return this.book.remainingMs(now);
  }

  /** Milliseconds the kernel may go on answering at most: what the peer has to wait for. */
  mayAnswerMs(now: Millis): number {
    const { unsettled } = this.lease;
    // An nft that was killed while the kernel held it does its last line behind that: a refresh prolongs
    // what runs then, whatever was acknowledged meanwhile. The two of them could do it one after the other.
    return this.book.mayAnswerMs(now) + (unsettled === 0 ? 0 : unsettled * this.doubtedMs);
  }

  private doubt(length: LeaseLength): void {
    const ms = length === "unlimited" ? Number.POSITIVE_INFINITY : length;
    this.doubtedMs = this.lease.unsettled > 1 ? Math.max(this.doubtedMs, ms) : ms;
  }

  /** Whether the lease has ended while this daemon stood still. */
  lapsed(now: Millis): boolean {
    return this.book.lapsed(now);
  }

  /** Makes the gate cover these addresses on these links; an unexpired lease goes on. */
  async open(
    links: readonly string[],
    wanted: readonly FloatingIp[],
    virtual: readonly VirtualMac[] = [],
  ): Promise<void> {
    this.links = links;
    this.addresses = wanted.map(({ address }) => address).sort();
    this.virtual = virtual;
    await this.reopen();
  }

  /** One at a time: each changes what it found, and what it found must not change meanwhile. */
  private async reopen(): Promise<void> {
    const opened = this.opening.then(() =>
      this.lease.open(this.links, this.addresses, this.virtual),
    );
    this.opening = opened.catch(() => undefined);
    await opened;
  }

  /**
   * The peer is silent: whatever a switch delivers for a virtual MAC is let through from now on, for
   * so long. Asked again and again while the silence lasts, it costs the kernel little.
   */
  async letThrough(length: Millis): Promise<void> {
    const now = this.clock.now();
    if (this.held || this.throughUntil - now > length / 2) return;
    this.throughUntil = now + length;
    await this.lease.letThrough(length);
  }

  /** Only open TCP connections are let through from now on, unless this node holds the lease. */
  async shut(): Promise<void> {
    this.throughUntil = Number.NEGATIVE_INFINITY;
    if (!this.held) await this.lease.letThrough(null);
  }

  /** What an earlier run left in the kernel; null where nothing. */
  inherited(): Promise<LeaseLength | null> {
    return this.lease.remaining();
  }

  adopt(remaining: LeaseLength): void {
    this.book.adopt(remaining);
  }

  /** Gives the lease, as the book does. Throws Error where the kernel does not take it. */
  grant(length: LeaseLength): Promise<void> {
    return new Promise((resolve, reject) => {
      this.book.grant(length, (failed) =>
        failed === null ? resolve() : reject(new Error(failed)),
      );
    });
  }

  /** Ends the lease. Throws Error where the kernel did not say that it has; it may then run on. */
  revoke(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.book.revoke((failed) => (failed === null ? resolve() : reject(new Error(failed))));
    });
  }

  /** Refreshes what is held, as the book does. Throws Error where the gate could not be set up again. */
  refresh(length: LeaseLength): Promise<KeptLease> {
    return new Promise((resolve, reject) => {
      this.book.refresh(length, (kept) =>
        typeof kept === "string" ? resolve(kept) : reject(new Error(kept.failed)),
      );
    });
  }
}

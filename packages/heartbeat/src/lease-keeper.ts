// lease-keeper.ts — holds the kernel's lease: grants, refreshes before each advert, and knows when it has ended.
import type { Clock, Millis } from "@lbpair/common";
import type { Lease, LeaseAnswer } from "./adapters/lease.js";
import type { LeaseLength } from "./adapters/lease-line.js";
import type { FloatingIp } from "./core/floating-plan.js";

/** Times an nft that does not answer is asked, each time a new one. */
const ATTEMPTS = 3;

export type KeptLease = "held" | "lapsed" | "restored";

export class LeaseKeeper {
  private readonly lease: Lease;
  private readonly clock: Clock;
  private links: readonly string[] = [];
  private addresses: readonly string[] = [];
  /** When the lease ends by this daemon's own reckoning; Infinity = never; null = none held. */
  private until: number | null = null;
  /** Until when the kernel may answer besides, by lines that it did not acknowledge. */
  private mayRunUntil = Number.NEGATIVE_INFINITY;
  private revocations = 0;
  length: LeaseLength | null = null;

  constructor(lease: Lease, clock: Clock) {
    this.lease = lease;
    this.clock = clock;
  }

  get held(): boolean {
    return this.until !== null;
  }

  /** Milliseconds left; Infinity = it never ends; 0 = none. */
  remainingMs(now: Millis): number {
    return this.until === null ? 0 : Math.max(0, this.until - now);
  }

  /** Milliseconds the kernel may go on answering at most: what the peer has to wait for. */
  mayAnswerMs(now: Millis): number {
    return Math.max(this.remainingMs(now), this.mayRunUntil - now, 0);
  }

  /** Whether the lease has ended while this daemon stood still. */
  lapsed(now: Millis): boolean {
    return this.until !== null && now > this.until;
  }

  /** Makes the gate cover these addresses on these links; an unexpired lease goes on. */
  async open(links: readonly string[], wanted: readonly FloatingIp[]): Promise<void> {
    this.links = links;
    this.addresses = wanted.map(({ address }) => address).sort();
    await this.lease.open(this.links, this.addresses);
  }

  /** What an earlier run left in the kernel; null where nothing. */
  inherited(): Promise<LeaseLength | null> {
    return this.lease.remaining();
  }

  adopt(remaining: LeaseLength): void {
    this.length = remaining;
    this.until = this.end(this.clock.now(), remaining);
  }

  /**
   * Gives the lease; a gate that is gone is set up again first. Left undone where a revocation comes
   * in between. Throws Error where the kernel does not take it.
   */
  async grant(length: LeaseLength): Promise<void> {
    const { revocations } = this;
    let answer: LeaseAnswer = "no-answer";
    for (let i = 0; i < ATTEMPTS; i += 1) {
      if (answer === "table-missing") await this.lease.open(this.links, this.addresses);
      if (revocations !== this.revocations) return;
      const asked = this.clock.now();
      answer = await this.lease.grant(length);
      if (revocations !== this.revocations) return;
      if (answer === "held") return this.keep(asked, length);
      this.doubt(length);
    }
    const said = this.lease.lastRefusal || "nothing";
    throw new Error(`the kernel's gate answered ${answer}: ${said}`);
  }

  /** Ends the lease. Throws Error where the kernel did not say that it has; it may then run on. */
  async revoke(): Promise<void> {
    this.revocations += 1;
    this.mayRunUntil = Math.max(this.mayRunUntil, this.until ?? Number.NEGATIVE_INFINITY);
    this.until = null;
    this.length = null;
    const { revocations } = this;
    let answer: LeaseAnswer = "no-answer";
    for (let i = 0; i < ATTEMPTS && answer !== "held"; i += 1) {
      answer = await this.lease.revoke();
      if (answer !== "table-missing") continue;
      // Without a table everything is let through: a new one starts without a lease.
      await this.lease.open(this.links, this.addresses);
      answer = "held";
    }
    if (answer !== "held") {
      throw new Error(`the lease may run on: the kernel's gate answered ${answer}`);
    }
    if (revocations === this.revocations && this.until === null) {
      this.mayRunUntil = Number.NEGATIVE_INFINITY;
    }
  }

  /**
   * Refreshes what is held. "restored": the whole gate was gone (a firewall reload) while the lease
   * had not ended, and is back. A kernel that does not answer leaves the old end in force.
   */
  async refresh(length: LeaseLength): Promise<KeptLease> {
    const asked = this.clock.now();
    const { revocations } = this;
    if (this.lapsed(asked)) return "lapsed";
    const outcome = await this.lease.refresh(length);
    // What was revoked meanwhile must not come back.
    if (revocations !== this.revocations) return "held";
    switch (outcome) {
      case "held":
        this.keep(asked, length);
        return "held";
      case "lapsed":
        return "lapsed";
      case "table-missing":
        if (this.lapsed(this.clock.now())) return "lapsed";
        await this.lease.open(this.links, this.addresses);
        if (revocations !== this.revocations) return "held";
        await this.grant(length);
        return "restored";
      case "no-answer":
        this.doubt(length);
        return this.lapsed(this.clock.now()) ? "lapsed" : "held";
      default:
        return outcome satisfies never;
    }
  }

  private keep(asked: Millis, length: LeaseLength): void {
    this.length = length;
    this.until = this.end(asked, length);
    this.mayRunUntil = Number.NEGATIVE_INFINITY;
  }

  /** Nobody said whether the kernel took it: it may have. */
  private doubt(length: LeaseLength): void {
    this.mayRunUntil = Math.max(this.mayRunUntil, this.end(this.clock.now(), length));
  }

  private end(from: Millis, length: LeaseLength): number {
    return length === "unlimited" ? Number.POSITIVE_INFINITY : from + length;
  }
}

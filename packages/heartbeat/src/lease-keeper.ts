// lease-keeper.ts — holds the kernel's lease: grants, refreshes before each advert, and knows when it has ended.
import type { Clock, Millis } from "@lbpair/common";
import type { Lease } from "./adapters/lease.js";
import type { LeaseLength } from "./adapters/lease-line.js";
import type { FloatingIp } from "./core/floating-plan.js";

export type KeptLease = "held" | "lapsed" | "restored";

export class LeaseKeeper {
  private readonly lease: Lease;
  private readonly clock: Clock;
  private links: readonly string[] = [];
  private addresses: readonly string[] = [];
  /** When the lease ends by this daemon's own reckoning; Infinity = never; null = none held. */
  private until: number | null = null;
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

  async grant(length: LeaseLength): Promise<void> {
    const asked = this.clock.now();
    const answer = await this.lease.grant(length);
    if (answer !== "held") {
      throw new Error(
        `the kernel's gate answered ${answer}: ${this.lease.lastRefusal || "nothing"}`,
      );
    }
    this.length = length;
    this.until = this.end(asked, length);
  }

  async revoke(): Promise<void> {
    this.until = null;
    this.length = null;
    await this.lease.revoke();
  }

  /**
   * Refreshes what is held. "restored": the whole gate was gone (a firewall reload) while the lease
   * had not ended, and is back. A kernel that does not answer leaves the old end in force.
   */
  async refresh(length: LeaseLength): Promise<KeptLease> {
    const asked = this.clock.now();
    if (this.lapsed(asked)) return "lapsed";
    const outcome = await this.lease.refresh(length);
    if (this.until === null) return "held";
    switch (outcome) {
      case "held":
        this.length = length;
        this.until = this.end(asked, length);
        return "held";
      case "lapsed":
        return "lapsed";
      case "table-missing":
        if (this.lapsed(this.clock.now())) return "lapsed";
        await this.lease.open(this.links, this.addresses);
        await this.grant(length);
        return "restored";
      case "no-answer":
        return this.lapsed(this.clock.now()) ? "lapsed" : "held";
      default:
        return outcome satisfies never;
    }
  }

  private end(from: Millis, length: LeaseLength): number {
    return length === "unlimited" ? Number.POSITIVE_INFINITY : from + length;
  }
}

// kernel.ts — what outlives the daemon on a machine: the gate with its lease, and the addresses.
//
// As design and measurements have it: the lease is a set element with a timeout on the monotonic clock;
// without the table everything is let through; addresses go by themselves when their lifetime ends.
import type { HeldLength, LeaseAnswer } from "@lbpair/heartbeat";

/** Seconds an address outlives the lease, as the daemon asks for. */
const LIFETIME_MARGIN_MS = 2000;

export class Kernel {
  /** Whether the gate's table is there. */
  gate = true;
  /** When the lease ends, by the monotonic clock; Infinity = never. */
  leaseUntil = Number.NEGATIVE_INFINITY;
  addressesUntil = Number.NEGATIVE_INFINITY;

  grant(length: HeldLength, now: number): LeaseAnswer {
    if (!this.gate) return "table-missing";
    this.leaseUntil = length === "unlimited" ? Number.POSITIVE_INFINITY : now + length;
    return "held";
  }

  refresh(length: HeldLength, now: number): LeaseAnswer {
    if (!this.gate) return "table-missing";
    // Delete and add on one line: on an element that is gone it fails as a whole.
    if (this.leaseUntil <= now) return "lapsed";
    return this.grant(length, now);
  }

  revoke(): LeaseAnswer {
    if (!this.gate) return "table-missing";
    this.leaseUntil = Number.NEGATIVE_INFINITY;
    return "held";
  }

  /** A table that is missing is set up without a lease; one that is there stays as it is. */
  open(): void {
    if (!this.gate) this.leaseUntil = Number.NEGATIVE_INFINITY;
    this.gate = true;
  }

  raise(length: HeldLength, now: number): void {
    const life = length === "unlimited" ? length : Math.ceil(length / 1000) * 1000;
    this.addressesUntil =
      life === "unlimited" ? Number.POSITIVE_INFINITY : now + life + LIFETIME_MARGIN_MS;
  }

  lower(): void {
    this.addressesUntil = Number.NEGATIVE_INFINITY;
  }

  holds(now: number): boolean {
    return this.addressesUntil > now;
  }

  /** Whether an ARP request for a floating IP is answered. */
  answers(now: number): boolean {
    return this.addressesUntil > now && (!this.gate || this.leaseUntil > now);
  }
}

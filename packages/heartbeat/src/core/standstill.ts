// standstill.ts — whether this daemon or its machine stood still for longer than the lease it holds.
import type { Millis } from "@lbpair/common";
import type { HeartLease } from "./ports.js";

export class Standstill {
  private readonly lease: Pick<HeartLease, "length" | "lapsed">;
  private readonly read: () => number | undefined;
  private suspendedMs: number;

  /** `read` tells the milliseconds the machine has been suspended so far; undefined = it cannot now. */
  constructor(lease: Standstill["lease"], read: () => number | undefined) {
    this.lease = lease;
    this.read = read;
    this.suspendedMs = read() ?? 0;
  }

  /** How long the machine slept before the last `notice`, in milliseconds. */
  sleptMs = 0;

  /** Why lease or claim must be given up; undefined where neither must. `usual`: the lease that a claim is about to get. */
  notice(now: Millis, usual: number): string | undefined {
    const suspendedMs = this.read() ?? this.suspendedMs;
    const sleptMs = suspendedMs - this.suspendedMs;
    this.suspendedMs = suspendedMs;
    this.sleptMs = sleptMs;
    const length = this.lease.length ?? usual;
    // The kernel's lease sleeps with the machine, but the peer did not: half of it is too long.
    if (length !== "unlimited" && sleptMs > length / 2) {
      return `the machine was suspended for ${Math.round(sleptMs)} ms`;
    }
    return this.lease.lapsed(now) ? "this daemon stood still for longer than its lease" : undefined;
  }
}

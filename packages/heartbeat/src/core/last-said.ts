// last-said.ts — what this node said last, and whether what it would say now is news.
import type { ElectionSettings, ElectionState } from "./election-state.js";
import type { HeartPorts, HeldLength } from "./ports.js";

/** A word within so many milliseconds of the same one is no news. */
const AGAIN_MS = 2;

export class LastSaid {
  at: number;
  private readonly ports: Pick<HeartPorts, "now" | "lease">;
  private state: ElectionState | null = null;
  /** Of the lease then. */
  private length: HeldLength | null = null;
  private leaseMs = 0;

  constructor(ports: LastSaid["ports"]) {
    this.ports = ports;
    this.at = ports.now();
  }

  note(state: ElectionState): void {
    const { ports } = this;
    this.at = ports.now();
    this.state = state;
    this.length = ports.lease.length;
    this.leaseMs = ports.lease.mayAnswerMs(ports.now());
  }

  /**
   * Whether the very same has just been said. Adverts that have waited for a slow `ip` are due all at
   * once: overtaking each other they would look like those of a machine that was reverted.
   */
  again(state: ElectionState): boolean {
    const now = this.ports.now();
    if (state !== this.state || now - this.at >= AGAIN_MS) return false;
    const leaseMs = this.ports.lease.mayAnswerMs(now);
    return leaseMs <= this.leaseMs && this.leaseMs - leaseMs <= AGAIN_MS;
  }

  /**
   * Whether a claim has waited for its kernel as long as the peer waits for a word: until its kernel has
   * heard of it a claim says nothing, and by then the peer may have claimed too.
   */
  claimWaits({ paired, deadtime, keepalive }: ElectionSettings): boolean {
    const { lease } = this.ports;
    return paired && !lease.held && this.ports.now() - this.at > deadtime - keepalive;
  }

  /** A peer that may hear, though it is not heard, must know of a long lease before this node can die. */
  owesLong(usual: number): boolean {
    const isLong = (length: HeldLength | null) =>
      length !== null && (length === "unlimited" || length > usual);
    return isLong(this.ports.lease.length) && !isLong(this.length);
  }
}

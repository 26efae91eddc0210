// lease-book.ts — the kernel's lease as this node knows it: given, kept, ended, and what it may still be.
//
// The kernel answers later, or never: what it did not acknowledge may run all the same, and counts.
import type { Millis } from "@lbpair/common";
import type { HeldLength, Kept } from "./ports.js";

/**
 * held           the kernel took it
 * lapsed         too late: the lease had ended; only a grant brings it back
 * table-missing  somebody removed the table: the gate is open (!) until it is set up again
 * no-answer      nft did not answer in time, or refused for another reason; nothing is pending
 */
export type LeaseAnswer = "held" | "lapsed" | "table-missing" | "no-answer";

/** The kernel's gate, as the book needs it. */
export interface LeaseGate {
  /** Gives the lease, whether or not there is one. Never "lapsed". */
  grant(length: HeldLength, done: (answer: LeaseAnswer) => void): void;
  /** Makes an existing lease end `length` from now. Never revives one that has ended. */
  refresh(length: HeldLength, done: (answer: LeaseAnswer) => void): void;
  /** From now on nothing is answered. "held" means that the kernel took it. */
  revoke(done: (answer: LeaseAnswer) => void): void;
  /** Sets the table up again; `failed` says why it could not. */
  open(done: (failed: string | null) => void): void;
  /** What nft last refused. */
  readonly lastRefusal: string;
}

/** Times an nft that does not answer is asked, each time a new one. */
const ATTEMPTS = 3;

type Done = (failed: string | null) => void;

/** A lease that is being asked for: how often yet, since when, and on which side of a revocation. */
interface Granting {
  readonly attempts: number;
  readonly last: LeaseAnswer;
  readonly revocations: number;
  readonly since: Millis;
}

export class LeaseBook {
  /** What was asked for last; null = nothing is held. */
  length: HeldLength | null = null;
  private readonly gate: LeaseGate;
  private readonly now: () => Millis;
  /** When the lease ends by this node's own reckoning; Infinity = never; null = none held. */
  private until: number | null = null;
  /** Until when the kernel may answer besides, by lines that it did not acknowledge. */
  private mayRunUntil = Number.NEGATIVE_INFINITY;
  private revocations = 0;
  /** A refresh that the kernel has not answered yet; it does not know of a revocation that follows. */
  private asking: HeldLength | null = null;

  constructor(gate: LeaseGate, now: () => Millis) {
    this.gate = gate;
    this.now = now;
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

  /** Whether the lease has ended while this node stood still. */
  lapsed(now: Millis): boolean {
    return this.until !== null && now > this.until;
  }

  /** Goes on with what an earlier run left in the kernel. */
  adopt(remaining: HeldLength): void {
    this.length = remaining;
    this.until = this.end(this.now(), remaining);
  }

  /**
   * Gives the lease; a gate that is gone is set up again first. Left undone where a revocation comes
   * in between. `failed` says why the kernel does not take it.
   */
  grant(length: HeldLength, done: Done): void {
    const { revocations } = this;
    this.tryGrant(
      length,
      { attempts: ATTEMPTS, last: "no-answer", revocations, since: this.now() },
      done,
    );
  }

  private tryGrant(length: HeldLength, how: Granting, done: Done): void {
    const { attempts, last, revocations, since } = how;
    if (attempts === 0) {
      done(`the kernel's gate answered ${last}: ${this.gate.lastRefusal || "nothing"}`);
      return;
    }
    const ask = () => {
      if (revocations !== this.revocations) return done(null);
      const asked = this.now();
      // This daemon stood still between two attempts: the peer may have claimed meanwhile.
      if (length !== "unlimited" && asked - since > length / 2) {
        return done("the lease was wanted too long ago");
      }
      // A revocation may come before the answer: what was asked for may run until it is acknowledged.
      this.doubt(length);
      this.gate.grant(length, (answer) => {
        if (revocations !== this.revocations) return done(null);
        if (answer === "held") {
          this.keep(asked, length);
          return done(null);
        }
        this.doubt(length);
        this.tryGrant(length, { ...how, attempts: attempts - 1, last: answer }, done);
      });
    };
    if (last === "table-missing")
      this.gate.open((failed) => (failed === null ? ask() : done(failed)));
    else ask();
  }

  /** Ends the lease. `failed`: the kernel did not say that it has, and it may run on. */
  revoke(done: Done): void {
    this.revocations += 1;
    this.mayRunUntil = Math.max(this.mayRunUntil, this.until ?? Number.NEGATIVE_INFINITY);
    if (this.asking !== null) this.doubt(this.asking);
    this.until = null;
    this.length = null;
    this.tryRevoke(ATTEMPTS, this.revocations, done);
  }

  private tryRevoke(attempts: number, revocations: number, done: Done): void {
    const ended = () => {
      if (revocations === this.revocations && this.until === null) {
        this.mayRunUntil = Number.NEGATIVE_INFINITY;
      }
      done(null);
    };
    this.gate.revoke((answer) => {
      if (answer === "held") return ended();
      if (answer === "table-missing") {
        // Without a table everything is let through: a new one starts without a lease.
        return this.gate.open((failed) => (failed === null ? ended() : done(failed)));
      }
      if (attempts > 1) return this.tryRevoke(attempts - 1, revocations, done);
      done(`the lease may run on: the kernel's gate answered ${answer}`);
    });
  }

  /**
   * Refreshes what is held. "restored": the whole gate was gone (a firewall reload) while the lease
   * had not ended, and is back. A kernel that does not answer leaves the old end in force.
   */
  refresh(length: HeldLength, done: (kept: Kept) => void): void {
    const asked = this.now();
    const { revocations } = this;
    if (this.lapsed(asked)) {
      done("lapsed");
      return;
    }
    this.asking = length;
    this.gate.refresh(length, (answer) => {
      this.asking = null;
      // What was revoked meanwhile must not come back; where nobody says that it was not refreshed first, it may run.
      if (revocations !== this.revocations) {
        if (answer === "no-answer") this.doubt(length);
        return done("held");
      }
      switch (answer) {
        case "held":
          this.keep(asked, length);
          return done("held");
        case "lapsed":
          return done("lapsed");
        case "table-missing":
          return this.restore(length, revocations, done);
        case "no-answer":
          this.doubt(length);
          return done(this.lapsed(this.now()) ? "lapsed" : "held");
        default:
          return answer satisfies never;
      }
    });
  }

  private restore(length: HeldLength, revocations: number, done: (kept: Kept) => void): void {
    if (this.lapsed(this.now())) {
      done("lapsed");
      return;
    }
    this.gate.open((failed) => {
      if (failed !== null) return done({ failed });
      if (revocations !== this.revocations) return done("held");
      this.grant(length, (refused) => done(refused === null ? "restored" : { failed: refused }));
    });
  }

  private keep(asked: Millis, length: HeldLength): void {
    this.length = length;
    this.until = this.end(asked, length);
    // This node counts from its question, whoever waits for the end from the answer: the kernel may have been late.
    this.mayRunUntil = this.end(this.now(), length);
  }

  /** Nobody said whether the kernel took it: it may have. */
  private doubt(length: HeldLength): void {
    this.mayRunUntil = Math.max(this.mayRunUntil, this.end(this.now(), length));
  }

  private end(from: Millis, length: HeldLength): number {
    return length === "unlimited" ? Number.POSITIVE_INFINITY : from + length;
  }
}

// nft.ts — the long-lived nft of a daemon: one question after the other, each answered late, or never.
import type { HeldLength, LeaseAnswer, LeaseGate } from "@lbpair/heartbeat";
import type { Machine } from "./machine.js";

/** After this long nft is given up and started anew. */
const ANSWER_MS = 150;
const OPEN_TIMEOUT_MS = 3000;

/** A gate whose answers go to one run of the daemon; what nft was told is done though the daemon is gone. */
export function nftGate(machine: Machine, run: number): LeaseGate {
  let freeAt = Number.NEGATIVE_INFINITY;
  const ask = (work: () => LeaseAnswer, done: (answer: LeaseAnswer) => void) => {
    const { random } = machine.world;
    const { nft } = machine.ills;
    const now = machine.now();
    const waitMs = Math.max(0, freeAt - now);
    if (nft === "silent") {
      // Killed before or after it told the kernel, or stuck before it could.
      if (random.chance(machine.ills.nftTells)) {
        machine.after(waitMs + random.next() * ANSWER_MS, 0, false, () => void work());
      }
      freeAt = now + waitMs + ANSWER_MS;
      machine.after(waitMs + ANSWER_MS, run, true, () => done("no-answer"));
      return;
    }
    const tookMs = nft === "late" ? random.between(20, 140) : random.between(0.2, 1.2);
    freeAt = now + waitMs + tookMs;
    machine.after(waitMs + tookMs, 0, false, () => {
      const answer = work();
      machine.forDaemon(run, () => done(answer));
    });
  };
  const { kernel } = machine;
  return {
    grant: (length: HeldLength, done) => ask(() => kernel.grant(length, machine.now()), done),
    refresh: (length: HeldLength, done) => ask(() => kernel.refresh(length, machine.now()), done),
    revoke: (done) => ask(() => kernel.revoke(), done),
    open: (done) => {
      const silent = machine.ills.nft === "silent";
      const ms = silent ? OPEN_TIMEOUT_MS : machine.world.random.between(2, 10);
      machine.after(ms, run, false, () => {
        if (silent) return done("nft timed out");
        kernel.open();
        done(null);
      });
    },
    lastRefusal: "",
  };
}

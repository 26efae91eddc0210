// restart.ts — an ordered restart: the kernel answers long enough for the next process to adopt what this one held.
import type { Machine } from "./perform.js";

/** A restart that the operator asked for holds the addresses this long, in milliseconds, so that none moves. */
export const RESTART_LEASE_MS = 3000;

/** A longer lease, in the kernel first and then said to the peer. */
export async function prolongForRestart(machine: Machine): Promise<void> {
  const { lease, holder, state, events } = machine;
  if (state.phase !== "active" || !lease.held) return;
  const length = Math.max(RESTART_LEASE_MS, Number(machine.leaseLength()));
  try {
    await lease.refresh(length);
    await holder.raise(length);
  } catch (error) {
    // The beats have ended already: the restart must go on, if need be with the addresses moving.
    events.record("warn", "restart-unprepared", String(error), {});
  }
  machine.sayNow();
}

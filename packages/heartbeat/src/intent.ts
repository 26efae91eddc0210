// intent.ts — an operator's order is on disk before it is acted on; a disk that hangs delays it, and nothing else.
import { setTimeout as pause } from "node:timers/promises";
import { millis } from "@lbpair/common/light";
import type { HeartbeatMemory } from "./adapters/epoch-store.js";
import { type ElectionState, FAILBACK_HOLD_MS } from "./core/election-state.js";
import type { DaemonParts } from "./daemon-parts.js";

/** Longest wait for the disk; then the order is carried out, and its answer says so. */
export const INTENT_MS_MAX = 2000;

/** Resolves when `written` has, or after INTENT_MS_MAX; true where it is on disk. */
export async function onDiskInTime(written: Promise<void>): Promise<boolean> {
  const patience = new AbortController();
  const late = pause(INTENT_MS_MAX, false, { signal: patience.signal }).catch(() => false);
  try {
    return await Promise.race([written.then(() => true), late]);
  } finally {
    patience.abort();
  }
}

/**
 * The order outlives a crash of this daemon: auto-failback will not undo it. Answers what is to be
 * said of a disk that did not take it; empty where it did.
 */
export async function keepIntent(
  memory: HeartbeatMemory,
  parts: Pick<DaemonParts, "clock" | "remember" | "remembered" | "events">,
): Promise<string> {
  const failbackHeldUntil = parts.clock.now() + FAILBACK_HOLD_MS;
  parts.remember({ ...memory, failbackHeldUntil });
  if (await onDiskInTime(parts.remembered())) return "";
  const late = `the disk did not take the order within ${INTENT_MS_MAX} ms`;
  parts.events.record("warn", "intent-not-on-disk", `${late}; it is carried out all the same`, {});
  return `; ${late}`;
}

/** An operator's order of an earlier run of this boot still holds auto-failback back. */
export function withOrder(
  state: ElectionState,
  { memory, bootId }: Pick<DaemonParts, "memory" | "bootId">,
): ElectionState {
  const until = memory?.bootId === bootId ? (memory.failbackHeldUntil ?? 0) : 0;
  return until > state.failbackHeldUntil ? { ...state, failbackHeldUntil: millis(until) } : state;
}

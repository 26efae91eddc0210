// take-up.ts — what a daemon that starts does with what it finds: goes on with it, or gives it up.
import type { ElectionState } from "./core/election-state.js";
import type { HeartbeatDaemon } from "./daemon.js";
import type { DaemonParts } from "./daemon-parts.js";
import { inherit } from "./inherit.js";
import { perform } from "./perform.js";
import { virtualDigest } from "./settings.js";

/** The election as an earlier run of this boot left it; null where nothing is held by right, and all is given up. */
export async function takeUp(
  daemon: HeartbeatDaemon,
  parts: DaemonParts,
): Promise<ElectionState | null> {
  const { settings, holder, guard, trace } = daemon;
  await holder.look(settings.running.services, virtualDigest(settings));
  await holder.check();
  const raised = holder.wanted.length === 0 || holder.holdsSome;
  const adopted = await inherit(parts, settings.election, raised, () => guard.openGate());
  if (adopted !== null) return adopted;
  const effects = [{ kind: "revoke-lease" }, { kind: "lower" }] as const;
  // An earlier run that was active, and whose lease has ended, gave its claim up by that.
  const { memory, bootId } = parts;
  if (memory?.active) trace.restarted(memory.epoch, memory.bootId === bootId, effects);
  for (const effect of effects) {
    const work = trace.perform(effect, () => perform(effect, daemon));
    await work.catch((error: unknown) => daemon.effectFailed(effect, error));
  }
  return null;
}

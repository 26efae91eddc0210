// inherit.ts — whether a daemon that starts goes on with what the run before it held.

import { adoptElection, type ElectionSettings, type ElectionState } from "./core/election-state.js";
import { leaseLength } from "./core/silence.js";
import type { DaemonParts } from "./daemon-parts.js";

/**
 * Only in the same boot, with the lease still running in the kernel, with no higher claim known, and with
 * floating IPs still there: without them nobody was answered, and the peer may rightly have claimed.
 * `openGate` is called in between: a gate that changes must not end the lease that is inherited.
 */
export async function inherit(
  parts: Pick<DaemonParts, "lease" | "memory" | "bootId" | "clock" | "events">,
  settings: ElectionSettings,
  raised: boolean,
  openGate: () => Promise<void>,
): Promise<ElectionState | null> {
  const { lease, memory, bootId, clock, events } = parts;
  const inherited = await lease.inherited();
  await openGate();
  const ours = memory?.active === true && memory.bootId === bootId;
  if (inherited === null || !raised || !ours || memory.epoch < memory.highestEpoch) return null;
  const inheritedMs = inherited === "unlimited" ? 0 : inherited;
  const adopted = adoptElection(clock.now(), settings, memory.epoch, inheritedMs);
  lease.adopt(inherited);
  const length = leaseLength(adopted, settings, clock.now()) ?? "unlimited";
  if ((await lease.refresh(length)) === "lapsed") return null;
  const text = "the floating IPs of the run before are adopted";
  events.record("info", "adopted", text, { epoch: memory.epoch });
  return adopted;
}

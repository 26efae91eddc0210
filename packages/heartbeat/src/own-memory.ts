// own-memory.ts — what this run would have the next one know.
import type { HeartbeatMemory } from "./adapters/epoch-store.js";
import type { HeartbeatDaemon } from "./daemon.js";
import { rememberFlaps } from "./flap-memory.js";

export function memoryOf(daemon: HeartbeatDaemon, bootId: string): HeartbeatMemory {
  const { epoch, highestEpoch, because, failbackHeldUntil } = daemon.state;
  const active = daemon.heart.condition === "active";
  const { peerMacs } = daemon.network;
  const flaps = rememberFlaps(daemon.state.flaps, daemon.clock.now());
  return { epoch, highestEpoch, bootId, active, because, peerMacs, flaps, failbackHeldUntil };
}

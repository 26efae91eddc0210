// node-flags.ts — how Node is started for a daemon that is small and must never be late.
import type { Daemon } from "./paths.js";

/**
 * Flags of the `node` that runs a daemon, as the units, the container and the lab start it; Node takes
 * none of them later, and only one of them from NODE_OPTIONS. The heartbeat's heap is some ten megabytes:
 * threads that collect and compile beside it cost as much processor time as they save, and memory
 * besides; a young generation of 1 MB is enough for three seconds of beats. Measured pauses: 1 ms for
 * it, 3 ms for the whole heap.
 */
export const nodeFlags = (daemon: Daemon): readonly string[] =>
  daemon === "heartbeat"
    ? ["--single-threaded", "--optimize-for-size", "--max-semi-space-size=1"]
    : [];

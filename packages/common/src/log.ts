// log.ts — the daemons' log: JSON lines on standard output, kept by journald or the container.
import { type Logger, pino } from "pino";
import type { Daemon } from "./paths.js";

export type Log = Logger;
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Longest backlog kept for a reader that does not read; then lines are dropped, never awaited. */
export const LOG_BACKLOG_BYTES_MAX = 1024 * 1024;

/** A log that never waits for its reader; secrets are blotted out by name. */
export function createLog(daemon: Daemon, level: LogLevel): Log {
  return pino(
    {
      name: daemon,
      level,
      redact: ["key", "*.key", "password", "*.password", "secret", "*.secret"],
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 1, sync: false, maxLength: LOG_BACKLOG_BYTES_MAX }),
  );
}

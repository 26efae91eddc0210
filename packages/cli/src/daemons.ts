// daemons.ts — asking the daemons of this node, and saying in one sentence what to do when one is away.
import {
  type AppliancePaths,
  ControlUnreachableError,
  controlFollow,
  controlRequest,
  type Daemon,
} from "@lbpair/common";

export const DAEMONS: readonly Daemon[] = ["heartbeat", "forwarder", "replicator"];

/** A daemon of this node could not be asked; the message says why and what to do. */
export class DaemonAwayError extends Error {
  readonly daemon: Daemon;
  constructor(daemon: Daemon, message: string) {
    super(message);
    this.name = "DaemonAwayError";
    this.daemon = daemon;
  }
}

export interface Daemons {
  /** Throws RefusalError where it refuses and DaemonAwayError where it does not answer. */
  ask(daemon: Daemon, route: string, body?: unknown, timeoutMs?: number): Promise<unknown>;
  /** Ends when `signal` aborts or the daemon goes away. */
  follow(
    daemon: Daemon,
    route: string,
    onRecord: (record: unknown) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

export const ASK_TIMEOUT_MS = 5000;

/** One sentence: which socket, what happened there, what to do. */
export function awayMessage(daemon: Daemon, socketPath: string, why: string): string {
  if (/EACCES|EPERM/.test(why)) {
    return `permission denied on ${socketPath}; run lbpair as root`;
  }
  if (/no answer within/.test(why)) {
    return `the ${daemon} gives ${why.slice(why.indexOf("no answer"))} on ${socketPath}; if it hangs: systemctl restart lbpair-${daemon}`;
  }
  if (/nobody answers|ENOENT|ECONNREFUSED/.test(why)) {
    return `the ${daemon} does not run: nobody answers on ${socketPath}; start it with: systemctl start lbpair-${daemon}`;
  }
  return `the ${daemon} could not be asked: ${why}; see its log: journalctl -u lbpair-${daemon}`;
}

export function createDaemons(paths: AppliancePaths): Daemons {
  const away = (daemon: Daemon, error: unknown): unknown =>
    error instanceof ControlUnreachableError
      ? new DaemonAwayError(daemon, awayMessage(daemon, error.socketPath, error.message))
      : error;
  return {
    async ask(daemon, route, body, timeoutMs = ASK_TIMEOUT_MS) {
      try {
        return await controlRequest(paths.socket(daemon), route, body, { timeoutMs });
      } catch (error) {
        throw away(daemon, error);
      }
    },
    async follow(daemon, route, onRecord, signal) {
      try {
        await controlFollow(paths.socket(daemon), route, onRecord, signal);
      } catch (error) {
        throw away(daemon, error);
      }
    },
  };
}

// heartbeat-link.ts — adapter: tells the heartbeat whether this node may carry traffic.
import { createSteadyWord, type Verdicts } from "@lbpair/common";

export interface Readiness {
  readonly ready: boolean;
  readonly reason: string;
  readonly verdicts: Verdicts;
}

export interface HeartbeatLink {
  /** Tells a change now; a heartbeat that is not there, or is started anew, is told within a second. */
  tell(): void;
  stop(): void;
}

const EVERY_MS = 1000;
const TIMEOUT_MS = 800;

export function createHeartbeatLink(socket: string, readiness: () => Readiness): HeartbeatLink {
  const word = createSteadyWord({ socket, route: "POST /forwarder", timeoutMs: TIMEOUT_MS });
  const tell = (): void => word.say(readiness());
  const timer = setInterval(tell, EVERY_MS);
  return { tell, stop: () => clearInterval(timer) };
}

// heartbeat-link.ts — adapter: tells the heartbeat whether this node may carry traffic.
import { controlRequest, type Verdicts } from "@lbpair/common";

export interface Readiness {
  readonly ready: boolean;
  readonly reason: string;
  readonly verdicts: Verdicts;
}

export interface HeartbeatLink {
  /** Tells now, besides every second; a heartbeat that is not there is tolerated. */
  tell(): void;
  stop(): void;
}

const EVERY_MS = 1000;
const TIMEOUT_MS = 800;

export function createHeartbeatLink(socket: string, readiness: () => Readiness): HeartbeatLink {
  let telling = false;
  let again = false;
  const tell = (): void => {
    if (telling) {
      again = true;
      return;
    }
    telling = true;
    controlRequest(socket, "POST /forwarder", readiness(), {
      timeoutMs: TIMEOUT_MS,
      keepAlive: true,
    })
      .catch(() => undefined)
      .finally(() => {
        telling = false;
        if (again) {
          again = false;
          tell();
        }
      });
  };
  const timer = setInterval(tell, EVERY_MS);
  return { tell, stop: () => clearInterval(timer) };
}

// forwarder-link.ts — telling the forwarder what this node is, without ever waiting for it.
import { type Condition, controlRequest, type Verdicts } from "@lbpair/common/light";

/** The forwarder is told again this often, so that a restarted one learns it. */
export const TELL_MS = 1000;
const TELL_TIMEOUT_MS = 900;

export interface ForwarderLink {
  tell(condition: Condition, peerAlive: boolean): void;
  /** Hands over the active's verdicts. */
  follow(verdicts: Verdicts): void;
}

/** One request of each kind is under way at most; what changed meanwhile is sent after it. */
export function createForwarderLink(socket: string): ForwarderLink {
  const lane = (route: string) => {
    let busy = false;
    let waiting: unknown;
    const send = (body: unknown): void => {
      if (busy) {
        waiting = body;
        return;
      }
      busy = true;
      const done = () => {
        busy = false;
        const next = waiting;
        waiting = undefined;
        if (next !== undefined) send(next);
      };
      // A forwarder that is away is told again by the next repetition.
      controlRequest(socket, route, body, {
        timeoutMs: TELL_TIMEOUT_MS,
        keepAlive: true,
      }).then(done, done);
    };
    return send;
  };
  const condition = lane("POST /condition");
  const verdicts = lane("POST /verdicts");
  return {
    tell: (is, peerAlive) => condition({ condition: is, peerAlive }),
    follow: (value) => verdicts({ verdicts: value }),
  };
}

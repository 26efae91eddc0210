// forwarder-link.ts — telling the forwarder what this node is, without ever waiting for it.
import {
  type Condition,
  controlRequest,
  createSteadyWord,
  type Verdicts,
} from "@lbpair/common/light";

const TELL_TIMEOUT_MS = 900;

export interface ForwarderLink {
  /** Called at each change and each second; sent where it is news, and to a forwarder that was started anew. */
  tell(condition: Condition, peerAlive: boolean): void;
  /** Hands over the active's verdicts. */
  follow(verdicts: Verdicts): void;
}

/** One request is under way at most; what came meanwhile is sent after it. */
function verdictLane(socket: string): (verdicts: Verdicts) => void {
  let busy = false;
  let waiting: Verdicts | undefined;
  const send = (verdicts: Verdicts): void => {
    if (busy) {
      waiting = verdicts;
      return;
    }
    busy = true;
    const done = () => {
      busy = false;
      const next = waiting;
      waiting = undefined;
      if (next !== undefined) send(next);
    };
    // A forwarder that is away says what it follows, and is offered them again.
    controlRequest(
      socket,
      "POST /verdicts",
      { verdicts },
      { timeoutMs: TELL_TIMEOUT_MS, keepAlive: true },
    ).then(done, done);
  };
  return send;
}

export function createForwarderLink(socket: string): ForwarderLink {
  const route = "POST /condition";
  const condition = createSteadyWord({ socket, route, timeoutMs: TELL_TIMEOUT_MS });
  return {
    tell: (is, peerAlive) => condition.say({ condition: is, peerAlive }),
    follow: verdictLane(socket),
  };
}

// steady-word.ts — telling a daemon of this machine what is so: at once where it changed, and now and then.
import { systemClock } from "./clock.js";
import { controlRequest } from "./control-client.js";

/** What was taken is said again this long after; a daemon that was started anew is told by the next saying. */
export const REASSURE_MS = 10_000;

export interface SteadyWord {
  /**
   * Says what is so now; called at each change and each second. It is not sent where it was taken
   * lately, unless the one who took it may have been replaced: its end closes the connection.
   */
  say(body: unknown): void;
}

const isTaken = (answer: unknown): boolean =>
  typeof answer === "object" && answer !== null && "taken" in answer && answer.taken === true;

/**
 * One request is under way at most; what changed meanwhile is sent after it. A daemon that is away, or
 * answers without `taken: true` (it has only begun, or is of an older release), is told again by the
 * next saying. Never waits and never throws.
 */
export function createSteadyWord(options: {
  readonly socket: string;
  /** "POST /path". */
  readonly route: string;
  readonly timeoutMs: number;
}): SteadyWord {
  let busy = false;
  let waiting: { readonly body: unknown } | undefined;
  let taken: { readonly text: string; readonly at: number } | undefined;
  const onLost = () => {
    taken = undefined;
  };
  const isFresh = (text: string): boolean =>
    taken !== undefined && taken.text === text && systemClock.now() - taken.at < REASSURE_MS;

  const send = async (body: unknown, text: string): Promise<void> => {
    const { socket, route, timeoutMs } = options;
    taken = undefined;
    try {
      const answer = await controlRequest(socket, route, body, {
        timeoutMs,
        keepAlive: true,
        onLost,
      });
      if (isTaken(answer)) taken = { text, at: systemClock.now() };
    } catch {
      // It is told by the next saying.
    }
  };
  const say = (body: unknown): void => {
    if (busy) {
      waiting = { body };
      return;
    }
    const text = JSON.stringify(body);
    if (isFresh(text)) return;
    busy = true;
    void send(body, text).then(() => {
      busy = false;
      const next = waiting;
      waiting = undefined;
      if (next !== undefined) say(next.body);
    });
  };
  return { say };
}

// forwarded-watch.ts — when, after a take over, this node forwards its first packet.
import type { Clock } from "@lbpair/common";

const LOOK_MS = 5;
/** Without traffic there is nothing to see. */
const WATCH_MS = 5000;

export interface ForwardedWatch {
  /** Begins now; what was watched for before is given up. */
  begin(): void;
  stop(): void;
}

/** Calls `onForwarded` once for each take over after which a packet is forwarded within a few seconds. */
export function createForwardedWatch(options: {
  readonly clock: Clock;
  /** Packets forwarded so far; undefined where nobody can say. */
  readonly read: () => number | undefined;
  readonly onForwarded: (afterMs: number) => void;
}): ForwardedWatch {
  const { clock, read, onForwarded } = options;
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    begin() {
      stop();
      const startedAt = clock.now();
      const before = read();
      if (before === undefined) return;
      timer = setInterval(() => {
        const afterMs = clock.now() - startedAt;
        const forwarded = (read() ?? before) > before;
        if (forwarded || afterMs > WATCH_MS) stop();
        if (forwarded) onForwarded(afterMs);
      }, LOOK_MS);
    },
    stop,
  };
}

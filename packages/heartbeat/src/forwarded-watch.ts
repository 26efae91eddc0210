// forwarded-watch.ts — when, after a take over, this node forwards its first packet.
import type { Clock } from "@lbpair/common";

/** At first, and at last; in between a twentieth of the time that has passed. A look takes 50 to 200 µs. */
const LOOK_MS = 5;
const LOOK_MS_MOST = 50;
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
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    begin() {
      stop();
      const startedAt = clock.now();
      const before = read();
      if (before === undefined) return;
      const look = () => {
        const afterMs = clock.now() - startedAt;
        if ((read() ?? before) > before) {
          timer = undefined;
          onForwarded(afterMs);
        } else if (afterMs < WATCH_MS) {
          const gap = Math.min(LOOK_MS_MOST, Math.max(LOOK_MS, afterMs / 20));
          timer = setTimeout(look, gap);
        }
      };
      timer = setTimeout(look, LOOK_MS);
    },
    stop,
  };
}

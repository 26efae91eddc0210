// ticker.ts — a beat on an absolute schedule: a late timer is made up for, so that nothing drifts.

/** Milliseconds of the monotonic clock, which all processes of one machine share. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

export interface Ticker {
  /** How late the latest beat was, at most. */
  readonly latenessMaxMs: number;
  stop(): void;
}

/** Calls `beat(due)` with the number of beats that have become due since the last call. */
export function startTicker(intervalMs: number, beat: (due: number) => void): Ticker {
  const started = monotonicMs();
  let done = 0;
  let latenessMaxMs = 0;
  let timer: NodeJS.Timeout;
  const turn = () => {
    const now = monotonicMs();
    const due = Math.floor((now - started) / intervalMs) - done;
    if (due > 0) {
      latenessMaxMs = Math.max(latenessMaxMs, now - started - (done + 1) * intervalMs);
      done += due;
      beat(due);
    }
    const next = started + (done + 1) * intervalMs - monotonicMs();
    timer = setTimeout(turn, Math.max(0, next));
  };
  timer = setTimeout(turn, intervalMs);
  return {
    get latenessMaxMs() {
      return latenessMaxMs;
    },
    stop: () => clearTimeout(timer),
  };
}

// gaps.ts — silence between answers, and spans of attempts without success: how outages are counted.

export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

export const gapMs = (gap: Gap): number => gap.toMs - gap.fromMs;

/** Notes answers as they come and keeps the silences that lasted at least `leastMs`. */
export interface GapRecorder {
  answered(nowMs: number): void;
  /** Ends the record; the silence since the last answer counts too. */
  finish(nowMs: number): { readonly longestMs: number; readonly gaps: readonly Gap[] };
}

const GAPS_MAX = 1000;

export function createGapRecorder(startMs: number, leastMs: number): GapRecorder {
  let last = startMs;
  let longestMs = 0;
  const gaps: Gap[] = [];
  const note = (nowMs: number) => {
    const silence = nowMs - last;
    if (silence > longestMs) longestMs = silence;
    if (silence >= leastMs && gaps.length < GAPS_MAX) gaps.push({ fromMs: last, toMs: nowMs });
    last = nowMs;
  };
  return {
    answered: note,
    finish(nowMs) {
      note(nowMs);
      return { longestMs, gaps };
    },
  };
}

export interface Attempt {
  readonly startedMs: number;
  /** Undefined: it failed. */
  readonly tookMs: number | undefined;
}

export interface Span extends Gap {
  /** Attempts that began inside it, none of which succeeded in time. */
  readonly attempts: number;
}

/**
 * Spans of consecutive attempts that failed or were slow: from the first such attempt's start to
 * the start of the next prompt one. A SYN lost in an outage is repeated after a second, so slow
 * attempts mark the outage as surely as failed ones. `endMs` closes a span that is still open.
 */
export function spansWithoutSuccess(
  attempts: readonly Attempt[],
  slowMs: number,
  endMs: number,
): Span[] {
  const spans: Span[] = [];
  let open: { fromMs: number; attempts: number } | undefined;
  for (const attempt of attempts) {
    const prompt = attempt.tookMs !== undefined && attempt.tookMs <= slowMs;
    if (!prompt) {
      open ??= { fromMs: attempt.startedMs, attempts: 0 };
      open.attempts += 1;
    } else if (open !== undefined) {
      spans.push({ ...open, toMs: attempt.startedMs });
      open = undefined;
    }
  }
  if (open !== undefined) spans.push({ ...open, toMs: endMs });
  return spans;
}

// claims.ts — who claimed an address from when to when, and when two did at once.
import type { ClaimKind } from "./arp-packet.js";
import type { Gap } from "./gaps.js";

export interface Claim {
  /** Monotonic clock, shared by all processes of the machine. */
  readonly atMs: number;
  readonly mac: string;
  readonly kind: ClaimKind;
}

/** A claimant heard again and again, never silent for longer than the allowed pause. */
export interface ClaimRun extends Gap {
  readonly mac: string;
  readonly count: number;
}

export interface Overlap extends Gap {
  readonly macs: readonly [string, string];
}

/** Runs of each claimant, in the order they began. */
export function claimRuns(claims: readonly Claim[], pauseMs: number): ClaimRun[] {
  const runs: { mac: string; fromMs: number; toMs: number; count: number }[] = [];
  const open = new Map<string, (typeof runs)[number]>();
  for (const { atMs, mac } of [...claims].sort((a, b) => a.atMs - b.atMs)) {
    const run = open.get(mac);
    if (run !== undefined && atMs - run.toMs <= pauseMs) {
      run.toMs = atMs;
      run.count += 1;
    } else {
      const fresh = { mac, fromMs: atMs, toMs: atMs, count: 1 };
      open.set(mac, fresh);
      runs.push(fresh);
    }
  }
  return runs;
}

/** Times in which runs of two claimants lie over each other, a single claim within a run included. */
export function overlaps(runs: readonly ClaimRun[]): Overlap[] {
  const found: Overlap[] = [];
  for (const [i, a] of runs.entries()) {
    for (const b of runs.slice(i + 1)) {
      if (a.mac === b.mac) continue;
      const fromMs = Math.max(a.fromMs, b.fromMs);
      const toMs = Math.min(a.toMs, b.toMs);
      if (fromMs <= toMs) found.push({ fromMs, toMs, macs: [a.mac, b.mac] });
    }
  }
  return found;
}

/**
 * Times in which questions went without an answer until the next was asked: from the first of them to
 * the first that was answered, or to the last. A watcher that stood still asked nothing meanwhile, and
 * has not seen that nobody would have answered.
 */
export function unanswered(askedAtMs: readonly number[], claims: readonly Claim[]): Gap[] {
  const times = claims.map(({ atMs }) => atMs).sort((a, b) => a - b);
  const spans: Gap[] = [];
  let fromMs: number | undefined;
  let next = 0;
  for (const [i, at] of askedAtMs.entries()) {
    while ((times[next] ?? Number.POSITIVE_INFINITY) < at) next += 1;
    const answered =
      (times[next] ?? Number.POSITIVE_INFINITY) < (askedAtMs[i + 1] ?? Number.POSITIVE_INFINITY);
    if (!answered) fromMs ??= at;
    if (fromMs === undefined || (!answered && i < askedAtMs.length - 1)) continue;
    if (at > fromMs) spans.push({ fromMs, toMs: at });
    fromMs = undefined;
  }
  return spans;
}

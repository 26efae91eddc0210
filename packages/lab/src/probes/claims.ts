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

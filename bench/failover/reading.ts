// reading.ts — what was seen, as the figures of a stretch of time: outages, two claimants, none, the moment of calm.
import { type Gap, gapMs, ownerOfMac } from "@lbpair/lab";
import type { Seen } from "./watch.js";

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

const meets = (gap: Gap, { fromMs, toMs }: Stretch): boolean =>
  gap.toMs > fromMs && gap.fromMs < toMs;

const longest = (gaps: readonly Gap[], stretch: Stretch): number =>
  Math.max(0, ...gaps.filter((gap) => meets(gap, stretch)).map(gapMs));

/** Longest silence of the 1 ms echo that lies in the stretch, if only in part. */
export const echoOutageMs = (seen: Seen, stretch: Stretch): number =>
  longest(seen.echo.gaps, stretch);

const liesIn = (gap: Gap, { fromMs, toMs }: Stretch): boolean =>
  gap.fromMs >= fromMs && gap.toMs <= toMs;

/** Calm is what lies in a stretch wholly: what an act began and what it met are the act's. */
const worst = (gaps: readonly Gap[], stretch: Stretch, calm: boolean): number =>
  Math.max(0, ...gaps.filter((gap) => (calm ? liesIn : meets)(gap, stretch)).map(gapMs));

/** Longest silence of the echo in a stretch of an act, or of calm. */
export const worstEchoMs = (seen: Seen, stretch: Stretch, calm: boolean): number =>
  worst(seen.echo.gaps, stretch, calm);

/** Slowest new connection in a stretch of an act, or of calm; one that failed took until the end. */
export const worstNewcomerMs = (seen: Seen, stretch: Stretch, calm: boolean): number =>
  worst(
    (seen.newcomers?.listed ?? []).map(({ startedMs, tookMs }) => ({
      fromMs: startedMs,
      toMs: tookMs === undefined ? seen.endMs : startedMs + tookMs,
    })),
    stretch,
    calm,
  );

/** Longest span in which no new connection was served promptly. */
export const newcomerOutageMs = (seen: Seen, stretch: Stretch): number =>
  longest(seen.newcomers?.spans ?? [], stretch);

/** From the beginning of the stretch until new connections are served promptly for good. */
export const newcomersWellAfterMs = (seen: Seen, stretch: Stretch): number =>
  Math.max(
    0,
    ...(seen.newcomers?.spans ?? [])
      .filter((span) => meets(span, stretch))
      .map((span) => Math.min(span.toMs, stretch.toMs) - stretch.fromMs),
  );

const clip = (gap: Gap, stretch: Stretch): Gap => ({
  fromMs: Math.max(gap.fromMs, stretch.fromMs),
  toMs: Math.min(gap.toMs, stretch.toMs),
});

/** Time in which two nodes claimed one address: of the address where it lasted longest. */
export const twoClaimantsMs = (seen: Seen, stretch: Stretch): number =>
  Math.max(
    0,
    ...seen.addresses.map(({ overlaps }) =>
      overlaps
        .filter((overlap) => meets(overlap, stretch))
        .reduce((total, overlap) => total + gapMs(clip(overlap, stretch)), 0),
    ),
  );

/** Longest time in which nobody answered for VIP or gateway, by questions that were asked. */
export const noClaimantMs = (seen: Seen, stretch: Stretch): number =>
  Math.max(
    0,
    ...seen.addresses
      .slice(0, 2)
      .flatMap(({ unanswered }) => unanswered.filter((gap) => meets(gap, stretch)))
      .map((gap) => gapMs(clip(gap, stretch))),
  );

/** Four questions: a machine with other work may hold one answer up until after the next question. */
const SILENCE_MS = 20;

/** From the beginning of the stretch until exactly one node claims each address, for the rest of it. */
export const exactlyOneAfterMs = (seen: Seen, stretch: Stretch): number =>
  Math.max(
    0,
    ...seen.addresses
      .slice(0, 2)
      .flatMap(({ overlaps, unanswered }) => [
        ...overlaps,
        ...unanswered.filter((gap) => gapMs(gap) >= SILENCE_MS),
      ])
      .filter((gap) => meets(gap, stretch))
      .map((gap) => Math.min(gap.toMs, stretch.toMs) - stretch.fromMs),
  );

const nodeOf = (mac: string): string => (ownerOfMac(mac) ?? mac).split(" ")[0] ?? mac;

/** How often another node than before began to claim an address: of the address where it was most often. */
export const roleChanges = (seen: Seen, stretch: Stretch): number =>
  Math.max(
    0,
    ...seen.addresses.slice(0, 2).map(({ runs }) => {
      const owners = runs
        .filter((run) => run.toMs >= stretch.fromMs && run.fromMs <= stretch.toMs)
        .map((run) => nodeOf(run.mac));
      return owners.filter((owner, i) => i > 0 && owner !== owners[i - 1]).length;
    }),
  );

/** When anybody but this node first claimed the address after the moment. */
export function takenOverAtMs(seen: Seen, from: string, afterMs: number): number | undefined {
  const times = seen.addresses.slice(0, 2).map(({ claims }) => {
    const first = claims.find((claim) => claim.atMs > afterMs && nodeOf(claim.mac) !== from);
    return first?.atMs;
  });
  return times.some((at) => at === undefined) ? undefined : Math.max(...times.map((at) => at ?? 0));
}

/** Of all addresses, the moment the last was claimed by anybody but this node; undefined = one never was. */
export function lastAnnouncedAtMs(seen: Seen, from: string, afterMs: number): number | undefined {
  let last = 0;
  for (const { claims } of seen.addresses) {
    const first = claims.find((claim) => claim.atMs > afterMs && nodeOf(claim.mac) !== from);
    if (first === undefined) return undefined;
    last = Math.max(last, first.atMs);
  }
  return last;
}

export interface OpenFigures {
  readonly total: number;
  readonly lived: number;
  /** Of the talking connections' longest times without a byte. */
  readonly medianStallMs: number;
  readonly worstStallMs: number;
  readonly reasons: Readonly<Record<string, number>>;
}

export function openFigures(seen: Seen): OpenFigures {
  const all = seen.open.flatMap((part) => part.connections);
  const stalls = all.filter((c) => c.kind.endsWith("talks")).map((c) => c.stallMs);
  stalls.sort((a, b) => a - b);
  const reasons: Record<string, number> = {};
  for (const { lives, kind, reason } of all) {
    if (!lives) reasons[`${kind}: ${reason}`] = (reasons[`${kind}: ${reason}`] ?? 0) + 1;
  }
  return {
    total: all.length,
    lived: all.filter((c) => c.lives).length,
    medianStallMs: stalls[Math.floor(stalls.length / 2)] ?? 0,
    worstStallMs: stalls.at(-1) ?? 0,
    reasons,
  };
}

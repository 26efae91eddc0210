// transition-pairs.ts — which records of the two nodes tell of the same switch, and how their clocks compare.
import type { TransitionRecord, TransitionsAnswer } from "@lbpair/common";

export type ClockOffset = TransitionRecord["clock"];

/** One switch of the pair: who became active, and what the other node recorded of it. */
export interface PairTransition {
  /** The claim; where nobody claimed, what the node that became passive recorded. */
  readonly main: TransitionRecord;
  readonly other: TransitionRecord | null;
  /** The other node's wall clock less the main one's; null = not known, so 0 is taken. */
  readonly clock: ClockOffset;
  /** Wall time of the decision on this node's clock, for the order of the list. */
  readonly atMs: number;
}

const wall = (record: TransitionRecord): number => Date.parse(record.at);

const reversed = (clock: ClockOffset): ClockOffset =>
  clock === null ? null : { ...clock, offsetMs: -clock.offsetMs };

/** What gave up the claim that this one took the place of, or was taken from by it. */
function belongs(claim: TransitionRecord, loss: TransitionRecord): boolean {
  if (loss.node === claim.node || loss.kind === "claim" || loss.outcome === "rolled-back")
    return false;
  return loss.epoch === claim.otherEpoch || (loss.epoch !== "0" && loss.otherEpoch === claim.epoch);
}

/**
 * Pairs the records of both nodes, the latest first. `here` and `there` are the nodes' answers; the
 * peer's may be missing. Claims rise in number, so the number given up names its successor; of
 * several records that fit, the one nearest in time is taken.
 */
export function pairTransitions(
  here: TransitionsAnswer,
  there: TransitionsAnswer | null,
): PairTransition[] {
  const now: ClockOffset = here.clock ?? reversed(there?.clock ?? null);
  const offset = now?.offsetMs ?? 0;
  const all = [...here.transitions, ...(there?.transitions ?? [])];
  const onOurs = (record: TransitionRecord): number => {
    const own = record.node === here.node;
    return wall(record) + (own ? 0 : (record.clock?.offsetMs ?? -offset));
  };
  const used = new Set<TransitionRecord>();
  const pairs: PairTransition[] = [];
  for (const claim of all.filter(({ kind }) => kind === "claim")) {
    used.add(claim);
    const other = all
      .filter((record) => !used.has(record) && belongs(claim, record))
      .sort((a, b) => Math.abs(onOurs(a) - onOurs(claim)) - Math.abs(onOurs(b) - onOurs(claim)))[0];
    if (other !== undefined) used.add(other);
    const known = claim.clock ?? reversed(other?.clock ?? null);
    const clock = known ?? (claim.node === here.node ? now : reversed(now));
    pairs.push({ main: claim, other: other ?? null, clock, atMs: onOurs(claim) });
  }
  for (const record of all) {
    if (used.has(record)) continue;
    pairs.push({ main: record, other: null, clock: record.clock, atMs: onOurs(record) });
  }
  return pairs.sort((a, b) => b.atMs - a.atMs || b.main.seq - a.main.seq);
}

/** Milliseconds after the main record's decision, on its clock, of a moment of the other's record. */
export const onMainClock = ({ main, other, clock }: PairTransition, atMs: number): number =>
  other === null ? atMs : wall(other) - (clock?.offsetMs ?? 0) - wall(main) + atMs;

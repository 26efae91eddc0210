// flap-governor.ts — how often health may move the role before it has to keep its hands off.
//
// A link that comes and goes would otherwise move the role for ever. Only moves for the sake of health
// count, auto-failback's too; orders and the peer's silence are never held back. Both nodes count each
// move, so the memory is right wherever the role is.
import type { Millis } from "@lbpair/common/light";

export interface FlapSettings {
  /** So many moves within the window, and health moves the role no more. */
  readonly flapLimit: number;
  /** How long a move counts, in milliseconds. */
  readonly flapWindow: number;
  /** How long health then moves the role no more, from the last move on, in milliseconds. */
  readonly flapHold: number;
}

export interface FlapMemory {
  /** When health moved the role, the oldest first: this boot's monotonic clock, also before its origin. */
  readonly moves: readonly number[];
  /** Whether the last of them was one too many. */
  readonly held: boolean;
}

export const NO_FLAPS: FlapMemory = { moves: [], held: false };

/** Until when health may not move the role; null = it may. */
export function heldUntil(
  { moves, held }: FlapMemory,
  now: Millis,
  { flapHold }: FlapSettings,
): Millis | null {
  const until = (moves.at(-1) ?? Number.NEGATIVE_INFINITY) + flapHold;
  return held && now < until ? (until as Millis) : null;
}

/** The moves that count now: those of the window, or those that led to the hold; none from before its end. */
function counting(memory: FlapMemory, now: Millis, settings: FlapSettings): readonly number[] {
  if (!memory.held) return memory.moves.filter((at) => now - at < settings.flapWindow);
  return heldUntil(memory, now, settings) === null ? [] : memory.moves;
}

export const movesCounted = (memory: FlapMemory, now: Millis, settings: FlapSettings): number =>
  counting(memory, now, settings).length;

/** Health has moved the role, or tried to. */
export function noteMove(memory: FlapMemory, now: Millis, settings: FlapSettings): FlapMemory {
  // What the other node does while this one holds lengthens nothing.
  if (heldUntil(memory, now, settings) !== null) return memory;
  const moves = [...counting(memory, now, settings), now];
  return { moves, held: moves.length >= settings.flapLimit };
}

/**
 * Whether auto-failback may move the role. The last move before a hold is left to health, or the hold
 * would find the role on the node that flaps.
 */
export function mayFailBack(memory: FlapMemory, now: Millis, settings: FlapSettings): boolean {
  if (heldUntil(memory, now, settings) !== null) return false;
  const moves = movesCounted(memory, now, settings);
  return moves === 0 || moves + 1 < settings.flapLimit;
}

/** The memory as a disk can keep it across a reboot, whose clock begins anew. */
export interface FlapAges {
  readonly agesMs: readonly number[];
  readonly held: boolean;
}

export const toAges = ({ moves, held }: FlapMemory, now: Millis): FlapAges => ({
  agesMs: moves.map((at) => Math.max(0, Math.round(now - at))),
  held,
});

/** `elapsedMs` since they were written; 0 where nobody knows, which only makes the memory longer. */
export const fromAges = (
  { agesMs, held }: FlapAges,
  elapsedMs: number,
  now: Millis,
): FlapMemory => ({
  moves: agesMs.map((age) => now - age - elapsedMs).sort((a, b) => a - b),
  held: held && agesMs.length > 0,
});

// pair-state.ts — what a pair is doing at a moment, in two letters: the row of the coverage table.
import type { Machine } from "./machine.js";
import type { World } from "./world.js";

/** a active, h handing over, p passive, s starting, u suspecting its peer, x away: dead or standing still. */
const LETTERS = "ahpsux";

function letter({ daemon, running }: Machine): string {
  if (daemon === null || daemon.frozen || !running) return "x";
  const { phase, suspecting } = daemon.heart.state;
  if (phase === "active") return "a";
  if (phase === "handing-over") return "h";
  if (suspecting) return "u";
  return phase === "passive" ? "p" : "s";
}

/** Both nodes' letters in order of the alphabet of states, whichever node is which. */
export function pairState({ machines: [one, other] }: World): string {
  const a = letter(one);
  const b = letter(other);
  return LETTERS.indexOf(a) <= LETTERS.indexOf(b) ? a + b : b + a;
}

export const PAIR_STATES: readonly string[] = [...LETTERS].flatMap((a, i) =>
  [...LETTERS.slice(i)].map((b) => a + b),
);

/** Pair states that cannot last, and why; faults are not aimed at them. */
export const IMPOSSIBLE: Readonly<Record<string, string>> = {
  pp: "a node becomes passive only by hearing an active peer, and an active that steps back is starting",
  hh: "a node hands over only to a passive peer, and a peer that hands over is active",
};

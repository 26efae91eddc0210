// conflict.ts — which of two nodes' versions wins, and what follows from comparing them.
import type { Designation, RevisionId } from "@lbpair/common";

/** What a node says of itself when greeted. */
export interface NodeFacts {
  readonly designation: Designation;
  /** In force; null where nothing is. */
  readonly revision: RevisionId | null;
  /** Whether the files in force still have the revision's hash. */
  readonly intact: boolean;
  /** Whether the saved files differ from what is in force. */
  readonly edited: boolean;
  readonly modes: RevisionId;
}

/** Whose version wins; `same` where there is nothing to decide. */
export type Winner = "same" | "here" | "peer";

/**
 * Operators' modes: the higher serial wins. Equal serials with different content were made on both
 * nodes while they could not hear each other: the primary's wins, and the loser's is kept beside.
 */
export function modesWinner(here: RevisionId, peer: RevisionId, designation: Designation): Winner {
  if (here.serial > peer.serial) return "here";
  if (here.serial < peer.serial) return "peer";
  if (here.hash === peer.hash) return "same";
  return designation === "primary" ? "here" : "peer";
}

/**
 * Whether a losing list holds work that the winner's author never saw: it is neither the list both
 * nodes last agreed on, nor what won. Such a list is kept beside, never lost.
 */
export const losesWork = (
  loser: RevisionId,
  winner: RevisionId,
  agreed: RevisionId | null,
): boolean => loser.hash !== winner.hash && loser.serial > 0 && loser.hash !== agreed?.hash;

export type ServicesVerdict =
  /** Both have the same in force, and nobody touched the peer's files. */
  | { readonly kind: "same" }
  /** The primary's is newer, or equally old and different: it goes to the secondary. */
  | { readonly kind: "behind"; readonly who: "here" | "peer"; readonly reason: string }
  /** Somebody changed the secondary by hand, or the primary is older than it was: never overwritten unasked. */
  | { readonly kind: "drifted"; readonly who: "here" | "peer"; readonly reason: string };

const show = (id: RevisionId | null): string => (id === null ? "nothing" : `revision ${id.serial}`);

/** Compares the services of a primary and a secondary; `who` is seen from the primary when `here` is it. */
export function judgeServices(here: NodeFacts, peer: NodeFacts): ServicesVerdict {
  const [primary, secondary] = here.designation === "primary" ? [here, peer] : [peer, here];
  const who = secondary === here ? "here" : "peer";
  const old = primary.revision;
  const its = secondary.revision;
  if (old === null && its === null) return { kind: "same" };
  if (old === null || (its !== null && its.serial > old.serial)) {
    const reason = `the secondary has ${show(its)} in force, the primary ${show(old)}: an older primary never overwrites it unasked`;
    return { kind: "drifted", who: who === "here" ? "peer" : "here", reason };
  }
  if (its === null || its.serial < old.serial || its.hash !== old.hash) {
    return {
      kind: "behind",
      who,
      reason: `the secondary has ${show(its)} in force, the primary ${show(old)}`,
    };
  }
  if (!secondary.intact) {
    return { kind: "drifted", who, reason: "the secondary's files in force were changed by hand" };
  }
  if (secondary.edited) {
    return { kind: "drifted", who, reason: "the secondary's saved files were changed by hand" };
  }
  return { kind: "same" };
}

/** The serial of the next revision: above everything either node ever had. */
export const nextSerial = (here: RevisionId | null, peer: RevisionId | null): number =>
  Math.max(here?.serial ?? 0, peer?.serial ?? 0) + 1;

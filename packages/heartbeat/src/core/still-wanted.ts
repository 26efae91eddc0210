// still-wanted.ts — whether an effect that waited behind a slow one is still what the election wants.
import type { Effect } from "./effects.js";
import { conditionOf, type ElectionState } from "./election-state.js";

/**
 * The election goes on while `ip` or nft take their time: a claim may have been given up before its
 * lease was granted. What makes a node answer is left out then; what makes it quiet never is.
 * `news`: what an advert would say is so in the kernel, and has not just been said.
 */
export function stillWanted(effect: Effect, state: ElectionState, news = true): boolean {
  switch (effect.kind) {
    case "grant-lease":
    case "refresh-lease":
    case "announce":
      return state.phase === "active";
    case "raise":
      return conditionOf(state) === "active";
    // Left over from before a claim: those of the claim itself come behind its lease.
    case "send-adverts":
      return news;
    default:
      return true;
  }
}

// gather-transitions.ts — asks both nodes for their records of switches; one that cannot answer is said.
import { isTransition, type TransitionsAnswer } from "@lbpair/common";
import type { Daemons } from "./daemons.js";
import { PEER_TIMEOUT_MS } from "./gather-pair.js";
import { isRecord } from "./verbs/answer.js";
import { type PairTransition, pairTransitions } from "./view/transition-pairs.js";

export interface GatheredTransitions {
  /** The latest first. */
  readonly pairs: readonly PairTransition[];
  /** Sentences on who could not be asked, and why. */
  readonly missing: readonly string[];
}

/** What came as an answer; records of a form that this version does not know are left out. */
export function readTransitionsAnswer(value: unknown): TransitionsAnswer | null {
  if (!isRecord(value) || typeof value.node !== "string") return null;
  if (!Array.isArray(value.transitions)) return null;
  const { clock } = value;
  const known = isRecord(clock) && typeof clock.offsetMs === "number";
  return {
    node: value.node,
    at: String(value.at),
    clock: known
      ? { offsetMs: Number(clock.offsetMs), uncertainMs: Number(clock.uncertainMs) }
      : null,
    transitions: value.transitions.filter(isTransition),
  };
}

const explain = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Throws where this node's own heartbeat cannot be asked and the peer's cannot either. */
export async function gatherTransitions(
  daemons: Daemons,
  limit: number,
  peerTimeoutMs = PEER_TIMEOUT_MS,
): Promise<GatheredTransitions> {
  const missing: string[] = [];
  const query = `?limit=${limit}`;
  const hear = async (who: string, work: Promise<unknown>): Promise<TransitionsAnswer | null> => {
    try {
      const answer = readTransitionsAnswer(await work);
      if (answer === null) missing.push(`${who} answered what this lbpair does not understand`);
      return answer;
    } catch (error) {
      const why = explain(error);
      // A release before this one knows neither the word nor the route.
      const old = /want one of|word of (?:lbpair's )?replication/.test(why);
      missing.push(old ? `${who} runs a release that keeps no such records` : `${who}: ${why}`);
      return null;
    }
  };
  const [here, there] = await Promise.all([
    hear("this node", daemons.ask("heartbeat", `GET /transitions${query}`)),
    hear(
      "the peer",
      daemons.ask("replicator", `GET /peer/transitions${query}`, undefined, peerTimeoutMs),
    ),
  ]);
  const alone = missing.filter((text) => !text.includes("no peer is configured"));
  if (here !== null) return { pairs: pairTransitions(here, there), missing: alone };
  return { pairs: there === null ? [] : pairTransitions(there, null), missing: alone };
}

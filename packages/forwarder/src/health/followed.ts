// followed.ts — whose verdicts the maps follow.
//
//   node                          follows
//   passive, peer alive, told     the active's verdicts, as they came
//   was following, now not        its own, except servers where the active last said otherwise: there
//                                 the active's verdict stays until own checks, counted from now on,
//                                 agree with it or have overturned it
//   anything else                 its own (from memory until checked)
import type { Condition, Health, Millis, Verdicts } from "@lbpair/common";
import type { CheckResult } from "./types.js";
import { type Counting, judge, NEVER_JUDGED, type VerdictState } from "./verdict.js";

export type Judged = ReadonlyMap<string, VerdictState>;

export interface Following {
  readonly condition: Condition;
  readonly peerAlive: boolean;
  /** What the active last said; null while this node has no active to follow. */
  readonly active: Verdicts | null;
  /** Verdicts kept against this node's own, with the count of results since they were inherited. */
  readonly inherited: Judged;
}

export const FOLLOWING_NOBODY: Following = {
  condition: "passive",
  peerAlive: false,
  active: null,
  inherited: new Map(),
};

const mayFollow = (condition: Condition, peerAlive: boolean): boolean =>
  condition === "passive" && peerAlive;

export const isFollowing = (state: Following): boolean =>
  state.active !== null && mayFollow(state.condition, state.peerAlive);

const healthIn = (verdicts: Verdicts): ((id: string) => Health) => {
  const unhealthy = new Set(verdicts.unhealthy);
  const unknown = new Set(verdicts.unknown);
  return (id) => (unhealthy.has(id) ? "unhealthy" : unknown.has(id) ? "unknown" : "healthy");
};

/** Where the active's last word differs from our own; its "unknown" is no word. */
export function inheritance(active: Verdicts, own: Judged, now: Millis): Judged {
  const inherited = new Map<string, VerdictState>();
  const healthOf = healthIn(active);
  for (const [id, verdict] of own) {
    const health = healthOf(id);
    if (health === "unknown" || health === verdict.health) continue;
    const reason = `${health} by the last active's verdict`;
    inherited.set(id, { ...NEVER_JUDGED, health, reason, since: now });
  }
  return inherited;
}

/** The node's condition, or its peer's life, is this from now on. */
export function withCondition(
  state: Following,
  condition: Condition,
  peerAlive: boolean,
  own: Judged,
  now: Millis,
): Following {
  const next = { ...state, condition, peerAlive };
  if (mayFollow(condition, peerAlive)) return next;
  // What a former active said is stale as soon as it is no longer followed.
  if (state.active === null) return next;
  return { ...next, active: null, inherited: inheritance(state.active, own, now) };
}

/** The active said this. A node that is active itself, or alone, has nobody to listen to. */
export function withActive(state: Following, verdicts: Verdicts): Following {
  if (!mayFollow(state.condition, state.peerAlive)) return state;
  return { ...state, active: verdicts, inherited: new Map() };
}

/** An own check said this; `own` is the own verdict after it. */
export function withResult(
  state: Following,
  id: string,
  result: CheckResult,
  counting: Counting,
  own: VerdictState,
  now: Millis,
): Following {
  const before = state.inherited.get(id);
  if (before === undefined) return state;
  const after = judge(before, result, counting, now);
  const inherited = new Map(state.inherited);
  if (after.health === own.health) inherited.delete(id);
  else inherited.set(id, after);
  return { ...state, inherited };
}

/** Servers no longer configured are inherited no more. */
export function withOnly(state: Following, ids: ReadonlySet<string>): Following {
  const kept = [...state.inherited].filter(([id]) => ids.has(id));
  return kept.length === state.inherited.size ? state : { ...state, inherited: new Map(kept) };
}

/**
 * The verdicts to follow. The serial grows when the lists differ from `previous`, so equal serial
 * and hash mean equal lists also on a node that has just taken over. `digest` answers 16 hex digits.
 */
export function followedVerdicts(
  state: Following,
  own: Judged,
  previous: Verdicts,
  digest: (text: string) => string,
): Verdicts {
  if (state.active !== null && isFollowing(state)) return state.active;
  const lists: Record<Health, string[]> = { healthy: [], unhealthy: [], unknown: [] };
  for (const [id, verdict] of own) {
    lists[(state.inherited.get(id) ?? verdict).health].push(id);
  }
  const unhealthy = lists.unhealthy.sort();
  const unknown = lists.unknown.sort();
  const hash = digest(JSON.stringify({ unhealthy, unknown }));
  if (hash === previous.hash) return { serial: previous.serial, hash, unhealthy, unknown };
  return { serial: previous.serial + 1, hash, unhealthy, unknown };
}

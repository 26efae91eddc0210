// nft-judge.ts — what a base chain would do with a packet, and which rule decides it.
import { isRecord } from "../verbs/answer.js";
import {
  leftValue,
  matchesRight,
  matchTruth,
  type ProbePacket,
  type SetElements,
  type Truth,
} from "./nft-match.js";
import { type NftChain, type NftRule, type NftRuleset, nftKey } from "./nft-ruleset.js";

export interface NftVerdict {
  readonly drops: "yes" | "maybe" | "no";
  /** What decides a drop: a rule as nft would write it, or the chain's policy. */
  readonly by: string;
}

/** The kernel's own limit of jumps within jumps. */
const JUMPS_DEEP_MAX = 16;
/** Rules looked at for one packet; chains that jump to each other many times are not worth more. */
const RULES_TRIED_MAX = 5000;

type Decision =
  | "accept"
  | "drop"
  | "continue"
  | "return"
  | { readonly to: string; readonly back: boolean };

function decisionOf(statement: unknown): Decision | null {
  if (!isRecord(statement)) return null;
  if ("accept" in statement) return "accept";
  if ("drop" in statement || "reject" in statement) return "drop";
  if ("return" in statement) return "return";
  if ("continue" in statement) return "continue";
  for (const back of [true, false]) {
    const jump = statement[back ? "jump" : "goto"];
    if (isRecord(jump) && typeof jump.target === "string") return { to: jump.target, back };
  }
  return null;
}

const and = (a: Truth, b: Truth): Truth =>
  a === "no" || b === "no" ? "no" : a === "maybe" || b === "maybe" ? "maybe" : "yes";

/** Statements that neither decide nor select. */
const SILENT = new Set(["counter", "log", "comment", "mangle", "notrack", "meter"]);

interface Step {
  readonly holds: Truth;
  readonly decision: Decision;
}

function vmapStep(vmap: unknown, packet: ProbePacket, sets: SetElements): Step[] {
  if (!isRecord(vmap) || !isRecord(vmap.data) || !Array.isArray(vmap.data.set)) {
    return [{ holds: "maybe", decision: "drop" }];
  }
  const value = leftValue(vmap.key, packet);
  if (value.kind === "absent") return [];
  return vmap.data.set.flatMap((pair: unknown): Step[] => {
    if (!Array.isArray(pair)) return [];
    const decision = decisionOf(pair[1]);
    const holds = value.kind === "unknown" ? "maybe" : matchesRight(value.value, pair[0], sets);
    return decision === null || holds === "no" ? [] : [{ holds, decision }];
  });
}

/** The decisions a rule may come to with this packet. */
function ruleSteps(rule: NftRule, packet: ProbePacket, sets: SetElements): Step[] {
  let holds: Truth = "yes";
  const steps: Step[] = [];
  for (const statement of rule.statements) {
    if (!isRecord(statement)) continue;
    const decision = decisionOf(statement);
    if (decision !== null) return [...steps, { holds, decision }];
    if ("match" in statement) holds = and(holds, matchTruth(statement.match, packet, sets));
    else if ("vmap" in statement) {
      steps.push(
        ...vmapStep(statement.vmap, packet, sets).map((step) => ({
          ...step,
          holds: and(holds, step.holds),
        })),
      );
    } else if (!Object.keys(statement).every((key) => SILENT.has(key))) holds = and(holds, "maybe");
    if (holds === "no") return steps;
  }
  return steps;
}

/** A rule in nft's own words, as far as they are short. */
export function ruleText(rule: NftRule): string {
  const words = rule.statements.map(statementText).filter((text) => text !== "");
  return words.join(" ");
}

function valueText(value: unknown): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map(valueText).join(",");
  if (!isRecord(value)) return "?";
  if (Array.isArray(value.set)) return `{ ${value.set.map(valueText).join(", ")} }`;
  if (Array.isArray(value.range)) return value.range.map(valueText).join("-");
  if (isRecord(value.prefix))
    return `${valueText(value.prefix.addr)}/${valueText(value.prefix.len)}`;
  if (isRecord(value.payload))
    return `${valueText(value.payload.protocol)} ${valueText(value.payload.field)}`;
  if (isRecord(value.meta)) return `meta ${valueText(value.meta.key)}`;
  if (isRecord(value.ct)) return `ct ${valueText(value.ct.key)}`;
  if (isRecord(value.elem)) return valueText(value.elem.val);
  return "?";
}

function statementText(statement: unknown): string {
  if (!isRecord(statement)) return "";
  if (isRecord(statement.match)) {
    const { op, left, right } = statement.match;
    const sign = op === "==" || op === "in" ? "" : `${String(op)} `;
    return `${valueText(left)} ${sign}${valueText(right)}`;
  }
  if (isRecord(statement.vmap)) return `${valueText(statement.vmap.key)} vmap`;
  const decision = decisionOf(statement);
  if (decision !== null) {
    return typeof decision === "string"
      ? "reject" in statement
        ? "reject"
        : decision
      : `${decision.back ? "jump" : "goto"} ${decision.to}`;
  }
  return Object.keys(statement)
    .filter((key) => !SILENT.has(key))
    .join(" ");
}

interface Walk {
  readonly ruleset: NftRuleset;
  readonly packet: ProbePacket;
  rulesTried: number;
  maybeAccepted: boolean;
  maybeDropped: string | null;
}

type Outcome = { readonly kind: "accept" | "end" } | { readonly kind: "drop"; readonly by: string };

const END: Outcome = { kind: "end" };

function walkChain(chain: NftChain, walk: Walk, depth: number): Outcome {
  const sets: SetElements = (name) =>
    walk.ruleset.sets.get(nftKey(chain.family, chain.table, name));
  for (const rule of chain.rules) {
    walk.rulesTried += 1;
    if (walk.rulesTried > RULES_TRIED_MAX) {
      walk.maybeAccepted = true;
      walk.maybeDropped ??= `chain ${chain.name}, after more than ${RULES_TRIED_MAX} rules,`;
      return END;
    }
    for (const { holds, decision } of ruleSteps(rule, walk.packet, sets)) {
      const by = `chain ${chain.name}, rule "${ruleText(rule)}" (handle ${rule.handle})`;
      if (holds === "no" || decision === "continue") continue;
      if (typeof decision === "object") {
        const outcome = follow(chain, decision.to, holds, walk, depth);
        if (outcome.kind !== "end") return outcome;
        if (!decision.back && holds === "yes") return END;
      } else if (holds === "maybe") {
        if (decision === "accept") walk.maybeAccepted = true;
        if (decision === "drop") walk.maybeDropped ??= by;
      } else if (decision === "accept") return { kind: "accept" };
      else if (decision === "drop") return { kind: "drop", by };
      else return END;
    }
  }
  return END;
}

function follow(from: NftChain, to: string, holds: Truth, walk: Walk, depth: number): Outcome {
  const target = walk.ruleset.chains.get(nftKey(from.family, from.table, to));
  if (target === undefined || depth >= JUMPS_DEEP_MAX) return END;
  const outcome = walkChain(target, walk, depth + 1);
  if (holds === "yes") return outcome;
  // Nobody knows whether the jump is taken, so its end is a possibility only.
  if (outcome.kind === "accept") walk.maybeAccepted = true;
  if (outcome.kind === "drop") walk.maybeDropped ??= outcome.by;
  return END;
}

/** What one base chain does with a packet, its policy included. */
export function judgeChain(chain: NftChain, packet: ProbePacket, ruleset: NftRuleset): NftVerdict {
  const walk: Walk = {
    ruleset,
    packet,
    rulesTried: 0,
    maybeAccepted: false,
    maybeDropped: null,
  };
  const outcome = walkChain(chain, walk, 0);
  const policy = chain.base?.policy === "drop";
  const drop =
    outcome.kind === "drop"
      ? outcome.by
      : outcome.kind === "end" && policy
        ? `chain ${chain.name}, policy drop`
        : null;
  if (drop !== null)
    return {
      drops: walk.maybeAccepted ? "maybe" : "yes",
      by: walk.maybeAccepted ? (walk.maybeDropped ?? drop) : drop,
    };
  return walk.maybeDropped === null
    ? { drops: "no", by: "" }
    : { drops: "maybe", by: walk.maybeDropped };
}

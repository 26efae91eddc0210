// nft-ruleset.ts — `nft -j list ruleset` as chains of rules, as much of it as judging packets needs.
import { isRecord } from "../verbs/answer.js";

export interface NftRule {
  readonly handle: number;
  /** Statements as nft writes them in JSON. */
  readonly statements: readonly unknown[];
}

export interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly rules: readonly NftRule[];
  /** Only base chains have these. */
  readonly base: {
    readonly type: string;
    readonly hook: string;
    readonly priority: number;
    readonly policy: string;
  } | null;
}

export interface NftRuleset {
  /** By `family table chain`. */
  readonly chains: ReadonlyMap<string, NftChain>;
  /** Elements of named sets by `family table set`. */
  readonly sets: ReadonlyMap<string, readonly unknown[]>;
}

export const nftKey = (family: string, table: string, name: string): string =>
  `${family} ${table} ${name}`;

const textAt = (record: Readonly<Record<string, unknown>>, key: string): string => {
  const value = record[key];
  return typeof value === "string" ? value : "";
};
const numberAt = (record: Readonly<Record<string, unknown>>, key: string): number => {
  const value = record[key];
  return typeof value === "number" ? value : 0;
};

function readChain(record: Readonly<Record<string, unknown>>): NftChain & { rules: NftRule[] } {
  const hook = textAt(record, "hook");
  return {
    family: textAt(record, "family"),
    table: textAt(record, "table"),
    name: textAt(record, "name"),
    rules: [],
    base:
      hook === ""
        ? null
        : {
            hook,
            type: textAt(record, "type"),
            priority: numberAt(record, "prio"),
            policy: textAt(record, "policy") || "accept",
          },
  };
}

/** Throws a SyntaxError where the text is not JSON; things of unknown kinds are passed over. */
export function readNftRuleset(text: string): NftRuleset {
  const chains = new Map<string, NftChain & { rules: NftRule[] }>();
  const sets = new Map<string, readonly unknown[]>();
  const parsed = JSON.parse(text) as unknown;
  const objects = isRecord(parsed) && Array.isArray(parsed.nftables) ? parsed.nftables : [];
  for (const object of objects) {
    if (!isRecord(object)) continue;
    if (isRecord(object.chain)) {
      const chain = readChain(object.chain);
      chains.set(nftKey(chain.family, chain.table, chain.name), chain);
    } else if (isRecord(object.rule)) {
      const rule = object.rule;
      const key = nftKey(textAt(rule, "family"), textAt(rule, "table"), textAt(rule, "chain"));
      chains.get(key)?.rules.push({
        handle: numberAt(rule, "handle"),
        statements: Array.isArray(rule.expr) ? rule.expr : [],
      });
    } else if (isRecord(object.set)) {
      const set = object.set;
      const key = nftKey(textAt(set, "family"), textAt(set, "table"), textAt(set, "name"));
      sets.set(key, Array.isArray(set.elem) ? set.elem : []);
    }
  }
  return { chains, sets };
}

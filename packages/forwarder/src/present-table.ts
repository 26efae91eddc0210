// present-table.ts — what `nft -j list table` says, as values that compare with the wanted ones.
import { CONFIGURED, type Elements, moreThan, noElements, type SetName } from "./elements.js";

export interface Count {
  readonly packets: number;
  readonly bytes: number;
}

export interface PresentTable {
  readonly elements: Elements;
  /** Counters of elements, where the set has them. */
  readonly counts: Readonly<Record<SetName, ReadonlyMap<string, Count>>>;
  /** Named counters: `guarded`, `foreign`. */
  readonly named: ReadonlyMap<string, Count>;
  /** Names of the chains; one of them carries the version of the rules. */
  readonly chains: ReadonlySet<string>;
  /** The rules as nft lists them, without handles: equal texts mean equal rules. */
  readonly rules: string;
  /** Elements in the set of cut flows. */
  readonly cuts: number;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A part of a key; a range of ports is one too. */
const partText = (part: Json): string =>
  isObject(part) && Array.isArray(part.range) ? part.range.join("-") : String(part);

/** A key in nftables' own notation. */
function keyText(value: Json, name: SetName): string {
  if (isObject(value) && Array.isArray(value.concat)) {
    return (value.concat as readonly Json[]).map(partText).join(" . ");
  }
  return name === "arms" ? `"${String(value)}"` : String(value);
}

interface Element {
  readonly key: string;
  readonly value: string;
  readonly count: Count | undefined;
}

const countOf = (value: Json | undefined): Count | undefined =>
  isObject(value) ? { packets: Number(value.packets), bytes: Number(value.bytes) } : undefined;

/** Of a map's value: `jump CHAIN` in a map of verdicts, else as it stands. */
const valueText = (value: Json | undefined): string =>
  isObject(value) && isObject(value.jump) ? `jump ${String(value.jump.target)}` : String(value);

/** `KEY`, `{elem: {val: KEY, counter}}`, or `[one of these, VALUE]` for a map. */
function parseElement(item: Json, name: SetName, isMap: boolean): Element {
  const [left, value] =
    isMap && Array.isArray(item) ? [item[0] as Json, valueText(item[1])] : [item, ""];
  if (isObject(left) && isObject(left.elem)) {
    const { val, counter, "ct count": limit } = left.elem;
    const stated = isObject(limit) ? moreThan(Number(limit.val)) : value;
    return { key: keyText(val ?? null, name), value: stated, count: countOf(counter) };
  }
  return { key: keyText(left, name), value, count: undefined };
}

const isConfigured = (name: string): name is SetName =>
  (CONFIGURED as readonly string[]).includes(name);

/** Reads nft's listing; throws on text that is not nft's JSON. */
export function parseTable(text: string): PresentTable {
  const elements = noElements();
  const counts = Object.fromEntries(
    CONFIGURED.map((name) => [name, new Map<string, Count>()]),
  ) as Record<SetName, Map<string, Count>>;
  const named = new Map<string, Count>();
  const chains = new Set<string>();
  const rules: string[] = [];
  let cuts = 0;
  const { nftables } = JSON.parse(text) as { readonly nftables: readonly JsonObject[] };
  for (const item of nftables) {
    const { set, map, chain, rule, counter } = item;
    if (isObject(chain)) chains.add(String(chain.name));
    if (isObject(counter)) {
      const count = countOf(counter);
      if (count !== undefined) named.set(String(counter.name), count);
    }
    if (isObject(rule)) rules.push(`${String(rule.chain)} ${JSON.stringify(rule.expr)}`);
    const either = isObject(set) ? set : isObject(map) ? map : undefined;
    if (either === undefined || !Array.isArray(either.elem)) continue;
    const name = String(either.name);
    if (name === "cuts") cuts = either.elem.length;
    if (!isConfigured(name)) continue;
    for (const raw of either.elem as readonly Json[]) {
      const element = parseElement(raw, name, either.map !== undefined);
      elements[name].set(element.key, element.value);
      if (element.count !== undefined) counts[name].set(element.key, element.count);
    }
  }
  return { elements, counts, named, chains, rules: rules.join("\n"), cuts };
}

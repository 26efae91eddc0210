// elements.ts — elements of the table's sets and maps as values: wanted, present, and the difference.
import type { Family } from "@lbpair/common";
import { tableName } from "./rules.js";

/** Every set and map whose elements are configuration; `cuts` is filled by cuts.ts, `pins` by pins.ts. */
export const CONFIGURED = [
  "floating",
  "arms",
  "closed",
  "ambiguous",
  "toservers",
  "fromservers",
  "services",
  "servers",
  "serverports",
  "ways",
  "only",
  "serving",
  "persistence",
  "keeps",
  "limited",
  "full",
  "slots64",
  "slots1024",
  "slots61",
  "slots1021",
  "vips",
  "vipids",
  "vipaddresses",
  "vipports",
  "wideservices",
  "wideclosed",
  "wideambiguous",
  "widetoservers",
  "widefromservers",
  "widevips",
  "hairpins",
  "sourcenat",
  "outbound",
  "routed",
  "routedhosts",
] as const;
export type SetName = (typeof CONFIGURED)[number];

/** Key to value in nftables' own notation; the value of a set's element is "". */
export type Elements = Readonly<Record<SetName, ReadonlyMap<string, string>>>;
export type MutableElements = Record<SetName, Map<string, string>>;

export const noElements = (): MutableElements =>
  Object.fromEntries(
    CONFIGURED.map((name) => [name, new Map<string, string>()]),
  ) as MutableElements;

/** Keys to take out of and elements to put into each set; a changed value is in both. */
export interface ElementChanges {
  readonly removed: Elements;
  readonly added: Elements;
  /** Elements touched; 0 = nothing to do. */
  readonly count: number;
}

export function diffElements(wanted: Elements, present: Elements): ElementChanges {
  const removed = noElements();
  const added = noElements();
  let count = 0;
  for (const name of CONFIGURED) {
    for (const [key, value] of present[name]) {
      if (wanted[name].get(key) === value) continue;
      removed[name].set(key, value);
      count += 1;
    }
    for (const [key, value] of wanted[name]) {
      if (present[name].get(key) === value) continue;
      added[name].set(key, value);
      // A changed value is one change, counted above.
      if (!present[name].has(key)) count += 1;
    }
  }
  return { removed, added, count };
}

/** Elements of one statement; keeps a line readable and the parser's memory small. */
const ELEMENTS_PER_LINE = 500;

/** Statements that add or delete elements, as many to a line as nft reads well. */
export function elementStatements(
  verb: "add" | "delete",
  family: Family,
  name: string,
  items: readonly string[],
): string[] {
  const lines: string[] = [];
  for (let i = 0; i < items.length; i += ELEMENTS_PER_LINE) {
    const part = items.slice(i, i + ELEMENTS_PER_LINE).join(", ");
    lines.push(`${verb} element ${tableName(family)} ${name} { ${part} }`);
  }
  return lines;
}

/** Sets whose elements carry a statement of their own: here the number of connections. */
const WITH_STATEMENT: ReadonlySet<SetName> = new Set(["limited"]);

/** An element in nftables' own notation. */
export function elementText(name: SetName, key: string, value: string): string {
  if (value === "") return key;
  return WITH_STATEMENT.has(name) ? `${key} ${value}` : `${key} : ${value}`;
}

/** The statement of an element of `limited`: it is met by one connection more than that. */
export const moreThan = (connections: number): string => `ct count over ${connections}`;

/** One transaction: everything that goes, then everything that comes. Empty where nothing changes. */
export function changesText(family: Family, changes: ElementChanges): string {
  const lines = [
    ...CONFIGURED.flatMap((name) =>
      elementStatements("delete", family, name, [...changes.removed[name].keys()]),
    ),
    ...CONFIGURED.flatMap((name) =>
      elementStatements(
        "add",
        family,
        name,
        [...changes.added[name]].map(([key, value]) => elementText(name, key, value)),
      ),
    ),
  ];
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** The whole content as statements that follow the constant rules in one transaction. */
export const elementsText = (family: Family, wanted: Elements): string =>
  changesText(family, { removed: noElements(), added: wanted, count: 0 });

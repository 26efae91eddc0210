// tables.ts — which figures of which scenario are shown, for the terminal and for the document alike.
import type { Table } from "../../report/table.js";
import type { Book } from "../measures.js";
import { median, short, spread } from "../statistics.js";
import { judge, TARGETS, type Target, type Verdict } from "./targets.js";

interface Names {
  readonly scenarios: readonly { readonly name: string; readonly title: string }[];
  readonly products: readonly { readonly name: string; readonly title: string }[];
}

/** `open connections lost` of `of`, and figures that only serve another one, are not columns. */
const HIDDEN = new Set(["of", "echo listed"]);
const UNITS: Readonly<Record<string, string>> = { ms: "", count: "", percent: " %", MB: " MB" };

const REASON_CHARACTERS_MAX = 100;

/** The first line, as a cell of a table can hold it. */
const brief = (reason: string): string =>
  (reason.split(" | ")[0] ?? "").replaceAll("|", "/").slice(0, REASON_CHARACTERS_MAX);

/** One table per scenario: products by figures, `median (least-most)` in milliseconds. */
export function scenarioTables(book: Book, { scenarios, products }: Names): Table[] {
  return scenarios.flatMap(({ name, title }) => {
    const mine = book.measures.filter((measure) => measure.scenario === name);
    const figures = [...new Set(mine.map(({ figure }) => figure))].filter(
      (figure) => !HIDDEN.has(figure),
    );
    const rows = products.flatMap((product) => {
      const own = mine.filter((measure) => measure.product === product.name);
      const failed = book.failures.filter(
        (failure) => failure.scenario === name && failure.product === product.name,
      );
      if (own.length === 0 && failed.length === 0) return [];
      const rounds = Math.max(0, ...own.map(({ values }) => values.length));
      const cells = figures.map((figure) => {
        const found = own.find((measure) => measure.figure === figure);
        return found === undefined ? "–" : `${spread(found.values)}${UNITS[found.unit] ?? ""}`;
      });
      const said = failed.length === 0 ? "" : `, failed: ${brief(failed[0]?.reason ?? "")}`;
      return [[product.title, `${rounds}${said}`, ...cells]];
    });
    return rows.length === 0 ? [] : [{ title, head: ["", "rounds", ...figures], rows }];
  });
}

/** A floor this high says more of the machine's other work than of the probes. */
const NOISY_FLOOR = 20;

const verdictWord = ({ target, holds, value, limit, floor }: Verdict): string => {
  if (!holds) return "MISSED";
  return target.atLeast !== true && value > limit && floor > NOISY_FLOOR
    ? "holds, by a noisy floor"
    : "holds";
};

/** A target whose own scenario failed is missed: nobody saw it hold. */
const failedRow = ({ failures }: Book, { text, scenario, product }: Target): string[][] =>
  failures.some((failure) => failure.scenario === scenario && failure.product === product)
    ? [[text, "–", "", "", "MISSED: it failed"]]
    : [];

/** Each target that this run could judge. */
export function targetTable(book: Book): Table {
  const rows = TARGETS.flatMap((target) => {
    const verdict = judge(book, target);
    if (verdict === undefined) return failedRow(book, target);
    const unit = target.unit === "" ? "" : ` ${target.unit}`;
    const floor = target.floor === undefined ? "" : `${short(verdict.floor)}${unit}`;
    return [
      [
        target.text,
        `${short(verdict.value)}${unit}`,
        `${target.atLeast ? "≥" : "≤"} ${short(verdict.limit)}${unit}`,
        floor,
        verdictWord(verdict),
      ],
    ];
  });
  return { title: "Targets", head: ["", "measured", "wanted", "+ floor", ""], rows };
}

/** Targets of this run, or of any, that nobody measured. */
export const notJudged = (book: Book): string[] =>
  TARGETS.filter((target) => judge(book, target) === undefined).map(({ text }) => text);

const PAIRS: readonly (readonly [string, string])[] = [
  ["lbpair", "keepalived-1s"],
  ["lbpair-300", "keepalived-100"],
  ["lbpair-fast", "keepalived-10"],
  ["lbpair-vmac", "keepalived-vmac"],
  ["lbpair-300", "heartbeat"],
];
const COMPARED: readonly (readonly [string, string, string])[] = [
  ["pull", "echo outage", "plug pulled: echo outage"],
  ["pull", "open: median stall", "plug pulled: median stall of open connections"],
  ["planned", "echo outage", "planned switch: longest echo silence"],
  ["planned", "slowest new TCP", "planned switch: slowest new TCP connection"],
  ["frozen", "two claimants after deadtime", "active frozen: two nodes answer ARP"],
  ["frozen", "further echo outage", "thawed: further echo outage"],
  ["killed", "two claimants after deadtime", "active killed: two nodes answer ARP"],
  ["split", "exactly one after", "split healed: until exactly one is active"],
  ["split", "on no node then", "split healed: address on neither node"],
  ["loss40", "spurious failovers", "40 % loss: spurious failovers"],
  ["quota-shared", "spurious failovers", "quota of 10 %, shared: spurious failovers"],
];

/** Medians side by side, and by how much lbpair is better (or worse). */
export function ratioTable(book: Book, { products }: Names): Table {
  const titleOf = (name: string) => products.find((each) => each.name === name)?.title ?? name;
  const rows = COMPARED.flatMap(([scenario, figure, text]) =>
    PAIRS.flatMap(([ours, theirs]) => {
      const [mine, other] = [ours, theirs].map((name) => book.values(scenario, name, figure));
      if (mine === undefined || other === undefined) return [];
      if (mine.length === 0 || other.length === 0) return [];
      const [a, b] = [median(mine), median(other)];
      const ratio = a === 0 || b === 0 ? `${short(a)} : ${short(b)}` : `1 : ${short(b / a)}`;
      return [[text, titleOf(ours), short(a), titleOf(theirs), short(b), ratio]];
    }),
  );
  return {
    title: "lbpair : peer",
    head: ["", "lbpair", "median", "peer", "median", "ratio"],
    rows,
  };
}

// report.ts — what a run measured, as tables, as a document and as a picture.
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Book } from "../failover/measures.js";
import { median } from "../failover/statistics.js";
import { type DotPanel, drawDotPlot } from "../report/dot-plot.js";
import { markdownTable, type Table } from "../report/table.js";
import { LOADS } from "./loads.js";
import { PARTS } from "./options.js";
import type { Product } from "./products/product.js";
import { ratioOf, ratioText } from "./ratios.js";
import { judgeAll } from "./targets.js";
import { COUNTS, countName } from "./times.js";

const FOLDER = new URL("../../../docs/benchmarks/", import.meta.url);

const COLOURS: Readonly<Record<Product["kind"], string>> = {
  ...{ routing: "#777777", rule: "#333333", lbpair: "#0b6e99", nftlb: "#6b5b95", proxy: "#d9730d" },
};

const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/** What a product is compared with: the rule with as many servers, or itself with one service. */
const limitOf = (part: string, name: string): string =>
  part === "scale" ? "lbpair" : name.endsWith("-3") ? "rule-3" : "rule";

const figuresOf = (book: Book, part: string): string[] => [
  ...new Set(book.measures.filter((m) => m.scenario === part).map((m) => m.figure)),
];

function figureTable(book: Book, part: string, title: string, products: readonly Product[]): Table {
  const figures = figuresOf(book, part);
  const rows = products.flatMap((product) => {
    const all = figures.map((figure) => book.values(part, product.name, figure));
    if (all.every((values) => values.length === 0)) return [];
    const cells = figures.flatMap((figure, i) => {
      const values = all[i] ?? [];
      const limit = limitOf(part, product.name);
      const ratio = ratioOf(values, book.values(part, limit, figure));
      const isLimit = limit === product.name || ratio === undefined;
      return [digits(median(values)), isLimit ? "1" : ratioText(ratio)];
    });
    return [[product.title, `${all[0]?.length ?? 0}`, ...cells]];
  });
  const against = part === "scale" ? "of itself with one service" : "of the rule's";
  return { title, head: ["", "rounds", ...figures.flatMap((figure) => [figure, against])], rows };
}

function timesTable(book: Book): Table {
  const figures = figuresOf(book, "times");
  const rows = COUNTS.map(countName).flatMap((name) => {
    const cells = figures.map((figure) => {
      const values = book.values("times", name, figure);
      return values.length === 0 ? "–" : digits(median(values));
    });
    return cells.every((cell) => cell === "–") ? [] : [[name, ...cells]];
  });
  return { title: "Loading and changing", head: ["", ...figures], rows };
}

export function tables(book: Book, products: readonly Product[]): Table[] {
  const parts = [
    ...LOADS.map(({ name, title }) => ({ name, title: title[0]?.toUpperCase() + title.slice(1) })),
    { name: "scale", title: "One of many services" },
  ];
  return [
    ...parts.map(({ name, title }) => figureTable(book, name, title, products)),
    timesTable(book),
  ].filter(({ rows }) => rows.length > 0);
}

export function targetTable(book: Book): Table {
  const rows = judgeAll(book).map(({ text, measured, wanted, holds }) => [
    ...[text, measured, wanted, holds ? "holds" : "MISSED"],
  ]);
  return { title: "Targets", head: ["", "measured", "wanted", ""], rows };
}

function picture(book: Book, products: readonly Product[]): string {
  const parts = [...LOADS.map(({ name }) => name), "scale"];
  const panels = parts.flatMap((part) =>
    figuresOf(book, part).map((figure): DotPanel => {
      const rows = products.flatMap(({ name, title, kind }) => {
        const limit = limitOf(part, name);
        const ratio = ratioOf(book.values(part, name, figure), book.values(part, limit, figure));
        if (ratio === undefined || limit === name) return [];
        const { low, middle, high } = ratio;
        const [label, colour] = [middle.toFixed(2), COLOURS[kind]];
        return [{ title, colour, low, middle, high, label, tick: 1 }];
      });
      const against = part === "scale" ? "lbpair alone = 1" : "the hand-written rule = 1";
      return { title: `${figure}, ${against}`, rows };
    }),
  );
  return drawDotPlot({
    name: "Data planes side by side",
    heading:
      "Data planes side by side: each divided by the same figure of one nft rule written by hand",
    explanation:
      "dot: geometric mean of the rounds' ratios; line: 95 % interval; a figure per second: more is better; milliseconds and CPU: less is better",
    panels,
    marks: [0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5],
    markLabel: (value) => `${value}`,
  });
}

const METHOD = [
  "A client, a server and a node for each product are network namespaces of one machine, joined by veth pairs; every",
  "path is made alike. The client (wrk, iperf3) runs on one core, the server (HAProxy with a fixed answer, iperf3) on",
  "the other, what lies between on either. In each round every product has its turn of the same length, each round",
  "begins with another one, and the node's connection table is emptied before each turn. Ratios are taken within a",
  "round; given are their geometric mean and its 95 % interval (Student's t of the logarithms).",
  "",
  "- **one nft rule by hand** is the limit: `ip daddr VIP tcp dport { 80, 5201 } dnat to SERVER`, nothing else.",
  "- **connections/s**: one request per connection, 64 at once. **requests/s**: 32 connections kept open.",
  "- **CPU ms per 1,000 connections**: of the whole machine, client and server included. It shows what a rate hides",
  "  that client and server limit.",
  "- nftlb deals in turns to one server (mode dnat); HAProxy and the proxy in Node end the connection and open another.",
];

export interface Report {
  readonly book: Book;
  readonly products: readonly Product[];
  /** By part, what has to be known of the machine and the commit that it was measured on. */
  readonly machines: Readonly<Record<string, readonly string[]>>;
}

/** What parts have in common is said once. */
function machineList(machines: Report["machines"]): string[] {
  const runs = new Map<string, string[]>();
  for (const [part, lines] of Object.entries(machines)) {
    const text = lines.join("; ");
    runs.set(text, [...(runs.get(text) ?? []), part]);
  }
  return [...runs].map(([text, parts]) => `- ${parts.join(", ")}: ${text}`);
}

export async function writeDocument({ book, products, machines }: Report): Promise<string[]> {
  const measured = new Set(book.measures.map(({ scenario }) => scenario));
  const missing = PARTS.filter((part) => !measured.has(part));
  const failures = book.failures.map((f) => `- ${f.scenario}, ${f.product}: ${f.reason}`);
  const lines = [
    "# The data plane, side by side",
    "",
    "Written by `npm run bench:dataplane`; do not edit. A figure of another run or another machine proves nothing.",
    "",
    ...machineList(machines),
    "",
    "![Ratios to a rule written by hand](dataplane.svg)",
    "",
    markdownTable(targetTable(book)),
    ...(missing.length === 0 ? [] : [`Not measured in these runs: ${missing.join(", ")}.`, ""]),
    ...(failures.length === 0 ? [] : ["What went wrong in this run:", "", ...failures, ""]),
    "## How it is measured",
    "",
    ...METHOD,
    "",
    ...tables(book, products).map(markdownTable),
  ];
  await mkdir(FOLDER, { recursive: true });
  const files = {
    "dataplane.md": `${lines.join("\n").trimEnd()}\n`,
    "dataplane.svg": picture(book, products),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(new URL(name, FOLDER), content);
  }
  return Object.keys(files).map((name) => fileURLToPath(new URL(name, FOLDER)));
}

// document.ts — docs/benchmarks/failover.md and its picture, written from one run.
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { markdownTable } from "../../report/table.js";
import type { Book } from "../measures.js";
import { plot } from "./plot.js";
import { notJudged, ratioTable, scenarioTables, targetTable } from "./tables.js";

const FOLDER = new URL("../../../../docs/benchmarks/", import.meta.url);

export interface Report {
  readonly book: Book;
  readonly scenarios: readonly { readonly name: string; readonly title: string }[];
  readonly products: readonly {
    readonly name: string;
    readonly title: string;
    readonly kind: string;
  }[];
  readonly machine: readonly string[];
  readonly minutes: number;
}

const METHOD = [
  "Every product runs in the same network namespaces, made anew for it: two appliances on two switched",
  "networks, four real servers, a client, another behind a router, and a third host on each network that",
  "asks every 5 ms who has the floating address. keepalived and Linux-HA only move addresses: their",
  "appliances forward by static rules that deal a client to the same real server on either node.",
  "",
  "- **echo outage**: longest silence of a UDP echo sent every millisecond.",
  "- **new TCP outage**: longest span in which no connection, one begun every 5 ms, was served within 100 ms.",
  "- **stall**: longest time without a byte on a connection where one travels every 10 ms; TCP repeats a lost",
  "  segment after 200 ms at the earliest, unless later ones get through.",
  "- **two claimants**: time in which two nodes answered ARP for one address. **on no node**: longest time in",
  "  which questions went unanswered; a third host that was held up itself asked nothing, and that is no silence.",
  "  **exactly one after**: from the second act (the first signal to a thawed daemon, the start of a new process,",
  "  the last cable plugged) until one node alone answers for VIP and gateway, every question within 20 ms, for",
  "  the rest of the watch.",
  "- **planned switch**: behind each of them, for as long as it is watched (0.7 s), nothing happens: what the same",
  "  probes see then is its floor. One value per switch, one per calm.",
  "- **quota**: on each node the daemon and its helpers, made ordinary processes, are in a cgroup of their own that",
  "  may use 10 ms of processor time in every 100 ms (cpu.cfs_quota_us, or cpu.max). A daemon that needs 2 ms never",
  "  meets that: lbpair's is asked for its status, again as soon as it has answered, and so uses its quota up by its",
  "  own work. In the second table, for every product, another process of the group burns 6 of the 10 ms instead.",
  "  nr_throttled is the lesser of the two nodes' counts of periods in which the group had to wait for the next.",
  "- **spurious failovers**: times the role moved though no node had failed.",
  "- The **floor** is what the same probes see when nothing happens, in the same run; a target holds when",
  "  measured ≤ wanted + floor. Milliseconds, `median (least-most)`, unless another unit is written.",
  "- A table's row that says `failed` is what could not be measured, and why. A pair is set up anew after that.",
];

export async function writeDocument(report: Report): Promise<string[]> {
  const { book, machine, minutes } = report;
  const missing = notJudged(book);
  const lines = [
    "# Failover, side by side",
    "",
    "Written by `npm run bench:failover`; do not edit. A figure of another run or another machine proves nothing.",
    "",
    ...machine.map((line) => `- ${line}`),
    `- the run took ${minutes.toFixed(0)} minutes`,
    "",
    "![Medians and ranges on a logarithmic scale](failover.svg)",
    "",
    markdownTable(targetTable(book)),
    ...(missing.length === 0
      ? []
      : ["Not measured in this run:", "", ...missing.map((text) => `- ${text}`), ""]),
    ...(book.failures.length === 0
      ? []
      : [
          "What went wrong in this run:",
          "",
          ...book.failures.map((f) => `- ${f.scenario}, ${f.product}: ${f.reason}`),
          "",
        ]),
    markdownTable(ratioTable(book, report)),
    "## How it is measured",
    "",
    ...METHOD,
    "",
    ...scenarioTables(book, report).map(markdownTable),
  ];
  await mkdir(FOLDER, { recursive: true });
  const files = {
    "failover.md": `${lines.join("\n").trimEnd()}\n`,
    "failover.svg": plot(book, report),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(new URL(name, FOLDER), content);
  }
  return Object.keys(files).map((name) => fileURLToPath(new URL(name, FOLDER)));
}

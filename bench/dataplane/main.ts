// main.ts — npm run bench:dataplane: lbpair's data plane beside routing, a rule by hand, nftlb, HAProxy and a proxy in Node.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runCommand } from "@lbpair/common";
import { type Book, createBook, type Failure, type Measure } from "../failover/measures.js";
import { machineLines } from "../report/machine.js";
import { plainTable } from "../report/table.js";
import { LOADS } from "./loads.js";
import { OptionError, type Options, readOptions, usage } from "./options.js";
import { ALONE, BESIDE, TOOLS } from "./products/catalogue.js";
import { tables, targetTable, writeDocument } from "./report.js";
import { playRounds, withStage } from "./rounds.js";
import { measureTimes } from "./times.js";

const SETUP = fileURLToPath(new URL("../../../scripts/setup-debian.sh", import.meta.url));
const INSTALL_MS_MAX = 300_000;
/** Every single value, for whoever wants to compute something else from them. Not part of the repository. */
const KEPT = fileURLToPath(new URL("../../../tmp/bench-dataplane/measures.json", import.meta.url));

async function fetchTools(): Promise<void> {
  const missing = () => TOOLS.filter(({ file }) => !existsSync(file)).map((tool) => tool.package);
  if (missing().length === 0) return;
  console.log(`${missing().join(", ")}: installing them`);
  const { stdout, stderr } = await runCommand(["bash", SETUP, "bench"], {
    timeoutMs: INSTALL_MS_MAX,
  });
  console.log(`${stdout}${stderr}`.trim());
  if (missing().length > 0) throw new OptionError(`not there: ${missing().join(", ")}`);
}

interface Kept {
  /** By part, what has to be known of the machine and the commit that it was measured on. */
  readonly machines: Readonly<Record<string, readonly string[]>>;
  readonly measures: readonly Measure[];
  readonly failures: readonly Failure[];
}

/** What earlier runs measured of parts that this one does not. */
async function recall(book: Book, { parts, merge }: Options): Promise<Kept["machines"]> {
  if (!merge || !existsSync(KEPT)) return {};
  const { machines, measures, failures } = JSON.parse(await readFile(KEPT, "utf8")) as Kept;
  for (const { scenario, product, figure, unit, values } of measures) {
    if (parts.includes(scenario)) continue;
    for (const value of values) book.note(scenario, product, figure, value, unit);
  }
  for (const { scenario, product, reason } of failures) {
    if (!parts.includes(scenario)) book.fail(scenario, product, reason);
  }
  return machines;
}

async function keep({ measures, failures }: Book, machines: Kept["machines"]): Promise<void> {
  await mkdir(fileURLToPath(new URL(".", `file://${KEPT}`)), { recursive: true });
  await writeFile(KEPT, `${JSON.stringify({ machines, measures, failures }, null, 1)}\n`);
}

async function measure({ parts, rounds, seconds }: Options, book: Book): Promise<void> {
  const loads = LOADS.filter(({ name }) => parts.includes(name));
  if (loads.length > 0) {
    await withStage(ALONE, book, async (stage) => {
      for (const load of loads) {
        await playRounds(stage, load, book, { rounds, seconds, part: load.name });
      }
    });
  }
  if (parts.includes("scale")) {
    await withStage(BESIDE, book, async (stage) => {
      for (const load of LOADS.slice(0, 2)) {
        await playRounds(stage, load, book, { rounds, seconds, part: "scale" });
      }
    });
  }
  if (parts.includes("times")) await measureTimes(book);
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(usage());
    return 0;
  }
  if (process.getuid?.() !== 0) throw new OptionError("network namespaces need root");
  await fetchTools();
  const book = createBook();
  const before = await recall(book, options);
  const machine = machineLines(TOOLS.map((tool) => [tool.package, tool.package] as const));
  console.log(machine.join("\n"));
  await measure(options, book);
  const machines = {
    ...before,
    ...Object.fromEntries(options.parts.map((part) => [part, machine] as const)),
  };
  const products = [...ALONE, ...BESIDE.slice(1)];
  for (const table of tables(book, products)) console.log(`\n${plainTable(table)}`);
  const targets = targetTable(book);
  console.log(`\n${plainTable(targets)}\n`);
  await keep(book, machines);
  if (options.write) console.log((await writeDocument({ book, products, machines })).join("\n"));
  return targets.rows.some((row) => row.includes("MISSED")) || book.failures.length > 0 ? 1 : 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof OptionError ? error.message : error);
    process.exit(error instanceof OptionError ? 2 : 1);
  },
);

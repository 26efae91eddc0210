// main.ts — npm run bench:failover: lbpair beside keepalived and Linux-HA, in the same namespaces, in the same run.
import { runCommand } from "@lbpair/common";
import { labNotPossible, listLabs, removeLab } from "@lbpair/lab";
import { machineLines } from "../report/machine.js";
import { plainTable } from "../report/table.js";
import { EVIDENCE_FOLDER, keepMeasures } from "./evidence.js";
import { hold } from "./hold.js";
import { createBook } from "./measures.js";
import { fetchPeers } from "./needs.js";
import { OptionError, readOptions, usage } from "./options.js";
import { PRODUCTS } from "./products/catalogue.js";
import { writeDocument } from "./report/document.js";
import { ratioTable, scenarioTables, targetTable } from "./report/tables.js";
import { runProduct } from "./run.js";
import { SCENARIOS } from "./scenarios/catalogue.js";
import { COUNTS, MANY_SCENARIOS, manyName } from "./scenarios/many.js";
import { runTogether, TOGETHER_SCENARIOS } from "./together/run-together.js";

const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);

const EVERY_SCENARIO = [...SCENARIOS, ...MANY_SCENARIOS, ...TOGETHER_SCENARIOS];

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), names(EVERY_SCENARIO), names(PRODUCTS));
  if (options.help) {
    console.log(usage(names(EVERY_SCENARIO), names(PRODUCTS)));
    return 0;
  }
  const reason = await labNotPossible();
  if (reason !== undefined) throw new OptionError(reason);
  const fast = PRODUCTS.find(({ name }) => name === "lbpair-fast");
  if (options.holdMinutes !== undefined && fast !== undefined) {
    return (await hold(fast, options.holdMinutes)) ? 0 : 1;
  }
  const book = createBook();
  const isWanted = ({ name }: { readonly name: string }) => options.only?.includes(name) ?? true;
  const chosen = PRODUCTS.filter(({ name }) => options.products?.includes(name) ?? true);
  const missing = await fetchPeers(chosen);
  for (const [product, why] of missing) book.fail("start", product.name, why);
  const plan = {
    products: chosen.filter((product) => !missing.has(product)),
    scenarios: SCENARIOS.filter(isWanted),
    counts: COUNTS.filter((count) => isWanted({ name: manyName(count) })),
    rounds: options.rounds,
  };
  const started = Date.now();
  const machine = machineLines([
    ["keepalived", "keepalived"],
    ["Linux-HA heartbeat", "heartbeat"],
  ]);
  console.log(machine.join("\n"));
  for (const product of plan.products) await runProduct(product, plan, book);
  await runTogether(plan.products, options.only, book);
  const minutes = (Date.now() - started) / 60_000;
  const report = { book, machine, minutes, scenarios: EVERY_SCENARIO, products: PRODUCTS };
  for (const table of [...scenarioTables(book, report), ratioTable(book, report)]) {
    console.log(`\n${plainTable(table)}`);
  }
  const targets = targetTable(book);
  console.log(`\n${plainTable(targets)}\n`);
  await keepMeasures(book);
  if (options.write) console.log((await writeDocument(report)).join("\n"));
  console.log(`${minutes.toFixed(1)} minutes; what the products said is in ${EVIDENCE_FOLDER}`);
  return targets.rows.some((row) => row.some((cell) => cell.startsWith("MISSED"))) ||
    book.failures.length > 0
    ? 1
    : 0;
}

/** Interrupted, or killed outright: this clears up now, or the next lab that starts does. */
async function clearUp(): Promise<void> {
  for (const { record } of await listLabs()) {
    if (record.pid === process.pid) await removeLab(runCommand, record);
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => clearUp().finally(() => process.exit(130)));
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof OptionError ? error.message : error);
    process.exit(error instanceof OptionError ? 2 : 1);
  },
);

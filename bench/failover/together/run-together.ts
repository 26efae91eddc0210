// run-together.ts — what takes a minute and needs no fine clock: all products at once, each in its own world.
import type { Book } from "../measures.js";
import type { Product, RunningPair } from "../products/product.js";
import { reasonOf, stopPair } from "../run.js";
import { hasVirtualMac } from "../scenarios/scenario.js";
import { COST_MS, measureCost } from "./cost.js";
import { LOSS_SCENARIOS, LOSSES, lossName, measureLoss } from "./loss.js";

/** Much of a start is waiting. */
const STARTED_AT_ONCE = 3;

export const TOGETHER_SCENARIOS = [
  {
    name: "cost",
    title: `What the heartbeat daemons use while nothing happens, ${COST_MS / 1000} s`,
  },
  ...LOSS_SCENARIOS,
];

async function startAll(
  products: readonly Product[],
  wanted: readonly string[],
  book: Book,
): Promise<RunningPair[]> {
  const pairs: RunningPair[] = [];
  const start = async (product: Product) => {
    try {
      pairs.push(await product.start(1));
    } catch (error) {
      console.log(`  ${product.title} cannot run: ${reasonOf(error)}`);
      for (const name of wanted) book.fail(name, product.name, reasonOf(error));
    }
  };
  const waiting = [...products];
  const startNext = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await start(next);
  };
  await Promise.all(Array.from({ length: STARTED_AT_ONCE }, startNext));
  return pairs;
}

/** `wanted` are names of scenarios; those that are not of this kind are others' affair. */
export async function runTogether(
  products: readonly Product[],
  wanted: readonly string[] | undefined,
  book: Book,
): Promise<void> {
  const isWanted = (name: string) => wanted === undefined || wanted.includes(name);
  if (!TOGETHER_SCENARIOS.some(({ name }) => isWanted(name))) return;
  console.log("\nAll products side by side");
  const pairs = await startAll(
    products.filter((product) => !hasVirtualMac(product)),
    TOGETHER_SCENARIOS.map(({ name }) => name).filter(isWanted),
    book,
  );
  try {
    if (isWanted("cost")) await measureCost(pairs, book);
    for (const percent of LOSSES) {
      if (isWanted(lossName(percent))) await measureLoss(pairs, percent, book);
    }
  } finally {
    await Promise.all(pairs.map(stopPair));
  }
}

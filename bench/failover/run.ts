// run.ts — every product in turn through its scenarios, in a world of its own that is always cleared away.
import { keepEvidence } from "./evidence.js";
import type { Book } from "./measures.js";
import type { Product, RunningPair } from "./products/product.js";
import { manyApplies, manyName, runMany } from "./scenarios/many.js";
import type { Scenario } from "./scenarios/scenario.js";

export interface Plan {
  readonly products: readonly Product[];
  readonly scenarios: readonly Scenario[];
  /** How many floating IPs, one pair for each. */
  readonly counts: readonly number[];
  readonly rounds: number | undefined;
}

const MANY_ROUNDS = 2;
/** The longest is Linux-HA's, that heals, does not, and is rebooted. */
const ROUND_MS_MAX = 300_000;

/** What is given up on goes on in the background; its world is cleared away all the same. */
async function bounded(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = () => reject(new Error(`not done within ${ROUND_MS_MAX / 1000} s`));
    timer = setTimeout(why, ROUND_MS_MAX);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n").slice(0, 6).join(" | ");

async function runScenario(
  pair: RunningPair,
  scenario: Scenario,
  plan: Plan,
  book: Book,
): Promise<void> {
  const { name } = pair.product;
  const wanted = scenario.rounds(pair.product);
  const rounds = Math.min(wanted, plan.rounds ?? wanted);
  for (let index = 0; index < rounds; index += 1) {
    const say = (line: string) => console.log(`  ${scenario.name.padEnd(15)} ${line}`);
    try {
      await bounded(scenario.run({ pair, book, index, say }));
    } catch (error) {
      say(`FAILED: ${reasonOf(error)}`);
      book.fail(scenario.name, name, reasonOf(error));
    }
  }
  await keepEvidence(pair, scenario.name);
}

async function runCounts(product: Product, plan: Plan, book: Book): Promise<void> {
  for (const count of plan.counts.filter((each) => manyApplies(product, each))) {
    try {
      const rounds = Math.min(MANY_ROUNDS, plan.rounds ?? MANY_ROUNDS);
      await bounded(runMany(product, count, rounds, book));
    } catch (error) {
      console.log(`  ${manyName(count).padEnd(15)} FAILED: ${reasonOf(error)}`);
      book.fail(manyName(count), product.name, reasonOf(error));
    }
  }
}

export async function runProduct(product: Product, plan: Plan, book: Book): Promise<void> {
  console.log(`\n${product.title}`);
  await runScenarios(product, plan, book);
  await runCounts(product, plan, book);
}

async function runScenarios(product: Product, plan: Plan, book: Book): Promise<void> {
  const mine = plan.scenarios.filter((scenario) => scenario.applies(product));
  if (mine.length === 0) return;
  let pair: RunningPair;
  try {
    pair = await product.start(1);
  } catch (error) {
    console.log(`  cannot run: ${reasonOf(error)}`);
    book.fail("start", product.name, reasonOf(error));
    return;
  }
  try {
    for (const scenario of mine) await runScenario(pair, scenario, plan, book);
  } finally {
    await pair.stop();
  }
}

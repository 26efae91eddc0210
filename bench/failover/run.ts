// run.ts — every product in turn through its scenarios, in a world of its own that is always cleared away.
import { monotonicMs } from "@lbpair/lab";
import { keepEvidence } from "./evidence.js";
import type { Book } from "./measures.js";
import type { Product, RunningPair } from "./products/product.js";
import { manyApplies, manyName, manyRounds, runMany } from "./scenarios/many.js";
import type { Scenario } from "./scenarios/scenario.js";

export interface Plan {
  readonly products: readonly Product[];
  readonly scenarios: readonly Scenario[];
  /** How many floating IPs, one pair for each. */
  readonly counts: readonly number[];
  readonly rounds: number | undefined;
}

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

export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n").slice(0, 6).join(" | ");

/** False: a round failed, and what it left behind may spoil the next. */
async function runScenario(
  pair: RunningPair,
  scenario: Scenario,
  plan: Plan,
  book: Book,
): Promise<boolean> {
  const { name } = pair.product;
  const wanted = scenario.rounds(pair.product);
  const rounds = Math.min(wanted, plan.rounds ?? wanted);
  let well = true;
  for (let index = 0; index < rounds && well; index += 1) {
    const say = (line: string) => console.log(`  ${scenario.name.padEnd(15)} ${line}`);
    try {
      await bounded(scenario.run({ pair, book, index, say }));
    } catch (error) {
      say(`FAILED: ${reasonOf(error)}`);
      book.fail(scenario.name, name, reasonOf(error));
      well = false;
    }
  }
  await keepEvidence(pair, scenario.name);
  return well;
}

async function runCounts(product: Product, plan: Plan, book: Book): Promise<void> {
  for (const count of plan.counts.filter((each) => manyApplies(product, each))) {
    try {
      const wanted = manyRounds(count);
      const rounds = Math.min(wanted, plan.rounds ?? wanted);
      await bounded(runMany(product, count, rounds, book));
    } catch (error) {
      console.log(`  ${manyName(count).padEnd(15)} FAILED: ${reasonOf(error)}`);
      book.fail(manyName(count), product.name, reasonOf(error));
    }
  }
}

export async function runProduct(product: Product, plan: Plan, book: Book): Promise<void> {
  const started = monotonicMs();
  console.log(`\n${product.title}`);
  await runScenarios(product, plan, book);
  await runCounts(product, plan, book);
  console.log(`  ${((monotonicMs() - started) / 60_000).toFixed(1)} minutes`);
}

/** A world that cannot be cleared away is told, and left to the next lab that starts. */
export async function stopPair(pair: RunningPair | undefined): Promise<void> {
  try {
    await pair?.stop();
  } catch (error) {
    console.log(`  not cleared away: ${reasonOf(error)}`);
  }
}

/** One pair for all of them; a new one where a round has failed, or where it cannot be started. */
async function runScenarios(product: Product, plan: Plan, book: Book): Promise<void> {
  let pair: RunningPair | undefined;
  for (const scenario of plan.scenarios.filter((each) => each.applies(product))) {
    try {
      pair ??= await product.start(1);
    } catch (error) {
      console.log(`  ${scenario.name.padEnd(15)} cannot start: ${reasonOf(error)}`);
      book.fail(scenario.name, product.name, reasonOf(error));
      continue;
    }
    if (await runScenario(pair, scenario, plan, book)) continue;
    await stopPair(pair);
    pair = undefined;
  }
  await stopPair(pair);
}

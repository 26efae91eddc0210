// rounds.ts — all products in turn, again and again, so that what slows the machine slows them all.
import type { Book } from "../failover/measures.js";
import type { Load } from "./loads.js";
import type { Product } from "./products/product.js";
import { startServer } from "./server.js";
import { createWorld, type Path, type World } from "./world.js";

/** A product on its path, ready to be asked. */
export interface Standing {
  readonly product: Product;
  readonly path: Path;
  readonly target: string;
}

export interface Stage {
  readonly world: World;
  readonly standing: readonly Standing[];
}

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n").slice(0, 4).join(" | ");

/** A world with these products; one that cannot stand is told in the book. */
export async function withStage(
  products: readonly Product[],
  book: Book,
  work: (stage: Stage) => Promise<void>,
): Promise<void> {
  const world = await createWorld();
  try {
    await startServer(world);
    const standing: Standing[] = [];
    for (const product of products) {
      try {
        const path = await world.addPath();
        standing.push({ product, path, target: await product.start(path, world) });
      } catch (error) {
        book.fail("start", product.name, reasonOf(error));
        console.log(`${product.title}: cannot start: ${reasonOf(error)}`);
      }
    }
    await work({ world, standing });
  } finally {
    await world.remove();
  }
}

/** Connections of the turn before are no load of this one. */
const clear = ({ path }: Standing) => path.node.run(["conntrack", "-F"]);

export interface RoundsOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** What the figures are kept under. */
  readonly part: string;
}

/** Each round begins with another product; a turn that fails takes its whole round out of the book. */
export async function playRounds(
  { world, standing }: Stage,
  load: Load,
  book: Book,
  { rounds, seconds, part }: RoundsOptions,
): Promise<void> {
  console.log(`\n${load.title}: ${rounds} rounds of ${standing.length} products`);
  for (let round = 0; round < rounds; round += 1) {
    const order = standing.map((_, i) => standing[(i + round) % standing.length]);
    const seen: [string, Readonly<Record<string, number>>][] = [];
    try {
      for (const one of order) {
        if (one === undefined) continue;
        await clear(one);
        seen.push([one.product.name, await load.run(world, one.target, seconds)]);
      }
    } catch (error) {
      console.log(`  round ${round + 1} does not count: ${reasonOf(error)}`);
      book.fail(part, order[seen.length]?.product.name ?? "", reasonOf(error));
      continue;
    }
    for (const [name, figures] of seen) {
      for (const [figure, value] of Object.entries(figures)) {
        book.note(part, name, figure, value, "count");
      }
    }
  }
}

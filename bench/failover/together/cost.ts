// cost.ts — what the daemons use while nothing happens: processor time of a minute, memory at its end.
import { APPLIANCES } from "@lbpair/lab";
import type { Book } from "../measures.js";
import type { RunningPair } from "../products/product.js";
import { pause } from "../watch.js";
import { cpuMs, residentMb, schedulingOf } from "../world/process-tree.js";

export const COST_MS = 60_000;

/** Both nodes of every pair; the processes that the daemon started are counted with it. */
export async function measureCost(pairs: readonly RunningPair[], book: Book): Promise<void> {
  const nodes = pairs.flatMap((pair) =>
    APPLIANCES.map((name) => ({ pair, name, pids: pair.pids(name) })),
  );
  const before = nodes.map(({ pids }) => cpuMs(pids));
  const ownBefore = nodes.map(({ pids }) => cpuMs(pids.slice(0, 1)));
  const started = process.hrtime.bigint();
  await pause(COST_MS);
  const elapsedMs = Number(process.hrtime.bigint() - started) / 1e6;
  for (const [i, { pair, name, pids }] of nodes.entries()) {
    const product = pair.product.name;
    const share = ((cpuMs(pids) - (before[i] ?? 0)) / elapsedMs) * 100;
    const own = ((cpuMs(pids.slice(0, 1)) - (ownBefore[i] ?? 0)) / elapsedMs) * 100;
    const [main] = pids;
    const residents = main === undefined ? 0 : residentMb([main]);
    book.note("cost", product, "processor", share, "percent");
    book.note("cost", product, "processor of the daemon itself", own, "percent");
    book.note("cost", product, "daemon resident", residents, "MB");
    book.note("cost", product, "with its children", residentMb(pids), "MB");
    const scheduling = main === undefined ? "ended" : await schedulingOf(pids.at(-1) ?? main);
    console.log(
      `  cost            ${pair.product.title}, ${name}: ${share.toFixed(2)} % of a core, ${own.toFixed(2)} % the daemon itself, ` +
        `${residents.toFixed(0)} MB, ${pids.length} processes, ${scheduling}`,
    );
  }
}

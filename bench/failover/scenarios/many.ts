// many.ts — the plug is pulled where 1, 100 or 1,000 floating IPs have to move: until the last is announced.
import { otherNode } from "@lbpair/lab";
import { keepEvidence } from "../evidence.js";
import type { Book } from "../measures.js";
import type { Product } from "../products/product.js";
import { echoOutageMs, lastAnnouncedAtMs, takenOverAtMs } from "../reading.js";
import { pause, watch } from "../watch.js";
import { moreFloatingIps } from "../world/bench-world.js";
import { isFocus, roundsOf } from "./scenario.js";

export const COUNTS = [1, 100, 1000] as const;
export const manyName = (count: number): string => `many-${count}`;
export const MANY_SCENARIOS = COUNTS.map((count) => ({
  name: manyName(count),
  title: `Plug pulled, ${count.toLocaleString("en")} floating IP${count === 1 ? "" : "s"} on the front network`,
}));
/** The thousand is what the target is about. */
export const manyRounds = (count: number): number => (count === Math.max(...COUNTS) ? 4 : 1);
/** Linux-HA would need five minutes to raise a thousand for the first time. */
export const manyApplies = (product: Product, count: number): boolean =>
  isFocus(product) || (product.kind === "heartbeat" && count <= 100);

/** Linux-HA raises its addresses one after the other, a third of a second each and more. */
const afterMs = (product: Product, count: number): number =>
  product.kind === "heartbeat" ? 4000 + 400 * Math.min(count, 100) : 2500;

/** A pair of its own for each count, since the addresses are part of its configuration. */
export async function runMany(product: Product, count: number, rounds: number, book: Book) {
  const scenario = manyName(count);
  const pair = await product.start(count);
  try {
    for (let i = 0; i < roundsOf(product, rounds); i += 1) {
      let active = await pair.settle();
      const watched = { connections: 10, listenFor: moreFloatingIps(count - 1) };
      let decided: number | undefined;
      const seen = await watch(pair.world, watched, async (note) => {
        active = await pair.activeNow();
        note("fault");
        await pair.world.cables.pull(active);
        await pause(afterMs(product, count));
        decided = await pair.decidedAtMs(otherNode(active));
      });
      await pair.revive(active);
      const { fault = 0 } = seen.moments;
      const first = takenOverAtMs(seen, active, fault);
      const last = lastAnnouncedAtMs(seen, active, fault);
      const note = (figure: string, value: number | undefined) =>
        book.note(scenario, product.name, figure, value);
      const after = (at: number | undefined, from: number | undefined) =>
        at === undefined || from === undefined ? undefined : at - from;
      note("echo outage", echoOutageMs(seen, { fromMs: fault, toMs: seen.endMs }));
      note("pulled → VIP and gateway announced", after(first, fault));
      note("pulled → last announced", after(last, fault));
      note("decided → last announced", after(last, decided));
      console.log(
        `  ${scenario.padEnd(15)} last of ${count + 1} announced ${after(last, fault)?.toFixed(0) ?? "never"} ms after the pull, ` +
          `${after(last, decided)?.toFixed(0) ?? "?"} ms after the decision`,
      );
    }
  } finally {
    await keepEvidence(pair, scenario);
    await pair.stop();
  }
}

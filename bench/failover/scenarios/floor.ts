// floor.ts — nothing happens: what the probes and this machine amount to by themselves.
import { echoOutageMs, newcomerOutageMs, noClaimantMs, openFigures } from "../reading.js";
import { pause, watch } from "../watch.js";
import { roundsOf, type Scenario } from "./scenario.js";

const WATCH_MS = 2500;
/** The pair has just been started: what its start still does is not the floor. */
const STARTED_MS = 3000;

export const floor: Scenario = {
  name: "floor",
  title: "Nothing happens (the floor)",
  applies: () => true,
  rounds: (product) => roundsOf(product, 3),
  async run({ pair, book, index }) {
    await pair.settle();
    if (index === 0) await pause(STARTED_MS);
    const seen = await watch(pair.world, { connections: 20 }, async (note) => {
      note("from");
      await pause(WATCH_MS);
    });
    const stretch = { fromMs: seen.moments.from ?? 0, toMs: seen.endMs };
    const open = openFigures(seen);
    const { name } = pair.product;
    book.note("floor", name, "echo outage", seen.echo.outageMs);
    book.note("floor", name, "echoes lost", seen.echo.lost, "count");
    book.note("floor", name, "new TCP outage", newcomerOutageMs(seen, stretch));
    book.note("floor", name, "slowest new TCP", seen.newcomers?.slowestMs);
    book.note("floor", name, "open: median stall", open.medianStallMs);
    book.note("floor", name, "open: worst stall", open.worstStallMs);
    book.note("floor", name, "address on no node", noClaimantMs(seen, stretch));
    book.note("floor", name, "echo listed", echoOutageMs(seen, stretch));
  },
};

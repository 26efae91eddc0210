// planned.ts — the ordered switch: again and again under the finest probes, and again under a thousand connections.
import { otherNode } from "@lbpair/lab";
import type { Product } from "../products/product.js";
import { newcomerOutageMs, openFigures } from "../reading.js";
import { pause, watch } from "../watch.js";
import { isFocus, type Round, type Scenario } from "./scenario.js";

/** Between two switches: until neighbours and connections have settled. */
const BETWEEN_MS = 1200;

/** So many switches to and fro in one watch; answers with how long each took. */
async function switchOften(round: Round, times: number): Promise<number[]> {
  const { pair } = round;
  let active = await pair.settle();
  const took: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const started = Date.now();
    await pair.handOver(otherNode(active));
    took.push(Date.now() - started);
    active = otherNode(active);
    await pause(BETWEEN_MS);
    // A peer that was ended for the switch has to be there for the next one.
    if (pair.product.kind !== "lbpair") active = await pair.settle();
  }
  return took;
}

/** The same watch without a switch: as long, so that its worst moment had the same chance. */
const floorMs = (times: number): number => times * (BETWEEN_MS + 100);

const timesOf = ({ name, kind }: Product): number =>
  name === "lbpair-300" ? 20 : kind === "heartbeat" ? 2 : 5;

export const planned: Scenario = {
  name: "planned",
  title: "Planned switch, the finest probes",
  applies: (product) => product.name !== "keepalived-1s",
  rounds: () => 1,
  async run(round) {
    const { pair, book, say } = round;
    const { name } = pair.product;
    const times = timesOf(pair.product);
    await pair.settle();
    const still = await watch(pair.world, { connections: 20 }, () => pause(floorMs(times)));
    let took: number[] = [];
    const seen = await watch(pair.world, { connections: 20 }, async () => {
      took = await switchOften(round, times);
    });
    const stretch = { fromMs: 0, toMs: seen.endMs };
    const open = openFigures(seen);
    const note = (figure: string, value: number | undefined, unit: "ms" | "count" = "ms") =>
      book.note("planned", name, figure, value, unit);
    note("switches", times, "count");
    note("echo outage", seen.echo.outageMs);
    note("floor: echo outage", still.echo.outageMs);
    note("echoes lost", seen.echo.lost, "count");
    note("floor: echoes lost", still.echo.lost, "count");
    note("slowest new TCP", seen.newcomers?.slowestMs);
    note("floor: slowest new TCP", still.newcomers?.slowestMs);
    note("new TCP failed", seen.newcomers?.failed, "count");
    note("new TCP outage", newcomerOutageMs(seen, stretch));
    note("open: worst stall", open.worstStallMs);
    note("floor: worst stall", openFigures(still).worstStallMs);
    note("open connections lost", open.total - open.lived, "count");
    for (const ms of took) note("finished after", ms);
    say(
      `${times} switches: echo ${seen.echo.outageMs.toFixed(1)} ms (floor ${still.echo.outageMs.toFixed(1)}), ` +
        `lost ${seen.echo.lost} of ${seen.echo.sent} (floor ${still.echo.lost}), slowest new TCP ` +
        `${seen.newcomers?.slowestMs.toFixed(0)} ms (floor ${still.newcomers?.slowestMs.toFixed(0)}), failed ${seen.newcomers?.failed}`,
    );
  },
};

const MANY = { connections: 1000, talkers: 200, newcomers: false, arpMs: 20, echoMs: 10 };

export const crowd: Scenario = {
  name: "crowd",
  title: "Ten planned switches under 1,000 open connections, 200 of them busy",
  applies: isFocus,
  rounds: () => 1,
  async run(round) {
    const { pair, book, say } = round;
    const { name, kind } = pair.product;
    const times = kind === "lbpair" ? 10 : 3;
    await pair.settle();
    const seen = await watch(pair.world, MANY, async () => {
      await switchOften(round, times);
    });
    const open = openFigures(seen);
    book.note("crowd", name, "switches", times, "count");
    book.note("crowd", name, "open connections lost", open.total - open.lived, "count");
    book.note("crowd", name, "of", open.total, "count");
    book.note("crowd", name, "open: worst stall", open.worstStallMs);
    say(
      `${times} switches: ${open.lived}/${open.total} lived ${JSON.stringify(open.reasons)}, worst stall ${open.worstStallMs.toFixed(0)} ms`,
    );
  },
};

// planned.ts — the ordered switch: again and again under the finest probes, and again under a thousand connections.
import { monotonicMs, otherNode } from "@lbpair/lab";
import type { Product } from "../products/product.js";
import {
  newcomerOutageMs,
  openFigures,
  type Stretch,
  worstEchoMs,
  worstNewcomerMs,
} from "../reading.js";
import { median, most } from "../statistics.js";
import { pause, watch } from "../watch.js";
import { onCoresApart } from "../world/cores.js";
import { isFocus, type Round, type Scenario } from "./scenario.js";

/** From the order: what a switch does to clients shows within it, a lost datagram or segment included. */
const SWITCH_MS = 700;
/** Then the same time again in which nothing happens: the floor, seen by the same probes in the same seconds. */
const CALM_MS = 700;

interface Switches {
  readonly took: readonly number[];
  readonly moved: readonly Stretch[];
  readonly calm: readonly Stretch[];
}

/** So many switches to and fro, each followed by a calm as long as the time in which it is watched. */
async function switchOften(round: Round, times: number): Promise<Switches> {
  const { pair } = round;
  let active = await pair.settle();
  const took: number[] = [];
  const moved: Stretch[] = [];
  const calm: Stretch[] = [];
  for (let i = 0; i < times; i += 1) {
    const fromMs = monotonicMs();
    await pair.handOver(otherNode(active));
    took.push(monotonicMs() - fromMs);
    active = otherNode(active);
    await pause(Math.max(0, fromMs + SWITCH_MS - monotonicMs()));
    moved.push({ fromMs, toMs: monotonicMs() });
    // A peer that was ended for the switch has to be there for the next one.
    if (pair.product.kind !== "lbpair") active = await pair.settle();
    const calmFromMs = monotonicMs();
    await pause(CALM_MS);
    calm.push({ fromMs: calmFromMs, toMs: monotonicMs() });
  }
  return { took, moved, calm };
}

const timesOf = ({ name, kind }: Product): number =>
  name === "lbpair-300" ? 20 : kind === "heartbeat" ? 2 : 5;

/** On cores apart: a switch is judged by what clients feel of it, not by whose processor its programs took. */
export const planned: Scenario = {
  name: "planned",
  title: "Planned switch, the finest probes",
  applies: (product) => product.name !== "keepalived-1s",
  rounds: () => 1,
  async run(round) {
    const { pair, book, say } = round;
    const times = timesOf(pair.product);
    await pair.settle();
    let switches: Switches = { took: [], moved: [], calm: [] };
    const seen = await onCoresApart(pair.world, () =>
      watch(pair.world, { connections: 20 }, async () => {
        switches = await switchOften(round, times);
      }),
    );
    const { took, moved, calm } = switches;
    const open = openFigures(seen);
    const note = (figure: string, value: number | undefined, unit: "ms" | "count" = "ms") =>
      book.note("planned", pair.product.name, figure, value, unit);
    /** The worst of each switch, and of each calm between two. */
    const both = (figure: string, read: typeof worstEchoMs) => {
      const ofMoves = moved.map((stretch) => read(seen, stretch, false));
      const ofCalms = calm.map((stretch) => read(seen, stretch, true));
      for (const ms of ofMoves) note(figure, ms);
      for (const ms of ofCalms) note(`floor: ${figure}`, ms);
      const told = (values: readonly number[]) =>
        `${median(values).toFixed(1)}, at most ${most(values).toFixed(1)}`;
      return `${figure} ${told(ofMoves)} ms (floor ${told(ofCalms)})`;
    };
    note("switches", times, "count");
    const echo = both("echo outage", worstEchoMs);
    const newcomer = both("slowest new TCP", worstNewcomerMs);
    note("echoes lost", seen.echo.lost, "count");
    note("new TCP failed", seen.newcomers?.failed, "count");
    note("new TCP outage", newcomerOutageMs(seen, { fromMs: 0, toMs: seen.endMs }));
    note("open: worst stall", open.worstStallMs);
    note("open connections lost", open.total - open.lived, "count");
    for (const ms of took) note("finished after", ms);
    say(
      `${times} switches: ${echo}, lost ${seen.echo.lost} of ${seen.echo.sent}, ${newcomer}, failed ${seen.newcomers?.failed}`,
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

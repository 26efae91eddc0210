// failover-figures.ts — how long clients go without an answer when the role moves, again and again, beside the floor.
import {
  type Figures,
  measure,
  measureFloor,
  otherNode,
  type World,
  waitForPair,
} from "@lbpair/lab";
import { makeWell, waitActive } from "./ready-pair.js";

/** What is promised beside the floor, in milliseconds; a pulled plug is noticed after deadtime. */
export const MAKE_ACTIVE_MS = 25;
export const TAKE_OVER_MS = 150;

export interface Series {
  readonly what: string;
  readonly runs: readonly Figures[];
  /** What the project promises for the median, floor included; undefined = the floor itself. */
  readonly targetMs?: number;
}

/** Light: the probes measure the switch, not what a hundred talkers do to a small machine. */
const LIGHT = { connections: 20, afterMs: 1500 } as const;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const at = (i: number): number => sorted[i] ?? 0;
  return sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2;
}

const outages = ({ runs }: Series): number[] => runs.map((run) => run.datagrams.outageMs);

export const medianOutageMs = (series: Series): number => median(outages(series));

async function makeActive(world: World): Promise<Figures> {
  const next = otherNode(await makeWell(world));
  const designation = next === "lb1" ? "primary" : "secondary";
  // Over the socket: a command line that starts would be felt by the probes on a small machine.
  const act = () =>
    world.appliances[next].ask("heartbeat", "POST /make-active", { designation }, 20_000);
  const { figures } = await measure(world, act, LIGHT);
  await waitActive(world, next);
  return figures;
}

async function pullPlug(world: World): Promise<Figures> {
  const active = await makeWell(world);
  const act = async () => {
    await world.cables.pull(active);
    await waitActive(world, otherNode(active));
  };
  return (await measure(world, act, LIGHT)).figures;
}

async function repeat(times: number, act: () => Promise<Figures>): Promise<Figures[]> {
  const runs: Figures[] = [];
  for (let i = 0; i < times; i += 1) runs.push(await act());
  return runs;
}

/** Floor, Make Active and pulled plug, each so many times; the floor's median is in the targets. */
export async function measureFailover(world: World, times: number): Promise<Series[]> {
  await makeWell(world);
  const floor: Series = {
    what: "nothing (the floor)",
    runs: await repeat(times, () => measureFloor(world, LIGHT)),
  };
  const floorMs = medianOutageMs(floor);
  const deadtimeMs =
    (
      await waitForPair(
        world,
        "a heartbeat that answers",
        (pair) => pair.lb1.heartbeat !== undefined,
      )
    ).lb1.heartbeat?.timings.deadtimeMs ?? 0;
  return [
    floor,
    {
      what: "Make Active",
      runs: await repeat(times, () => makeActive(world)),
      targetMs: MAKE_ACTIVE_MS + floorMs,
    },
    {
      what: "plug of the active pulled",
      runs: await repeat(times, () => pullPlug(world)),
      targetMs: deadtimeMs + TAKE_OVER_MS + floorMs,
    },
  ];
}

const spread = (values: readonly number[]): string =>
  [Math.min(...values), median(values), Math.max(...values)]
    .map((value) => value.toFixed(value < 10 ? 1 : 0).padStart(6))
    .join("");

/** Milliseconds as least, median, most of all runs. */
export function seriesTable(all: readonly Series[]): string {
  const head =
    `${"".padEnd(28)}${"runs".padStart(5)}   ${"echo outage, ms".padEnd(18)}   ` +
    `${"new TCP outage, ms".padEnd(18)}   ${"lost".padStart(6)}   ${"open lived".padStart(10)}   median wanted`;
  const columns = `${"".padEnd(36)}${"min   med   max".padStart(18)}   ${"min   med   max".padStart(18)}`;
  const rows = all.map((series) => {
    const { runs, targetMs } = series;
    const alive = runs.reduce((sum, run) => sum + run.open.alive, 0);
    const total = runs.reduce((sum, run) => sum + run.open.total, 0);
    const lost = median(runs.map((run) => run.datagrams.lost));
    const wanted =
      targetMs === undefined
        ? ""
        : `≤ ${targetMs.toFixed(0)}: ${medianOutageMs(series) <= targetMs ? "kept" : "MISSED"}`;
    return (
      `${series.what.padEnd(28)}${`${runs.length}`.padStart(5)}   ${spread(outages(series))}   ` +
      `${spread(runs.map((run) => run.newConnections.outageMs))}   ${`${lost}`.padStart(6)}   ` +
      `${`${alive}/${total}`.padStart(10)}   ${wanted}`
    );
  });
  return [head, columns, ...rows].join("\n");
}

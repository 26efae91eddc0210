// failover-chapters.ts — the story's second half: the active node is moved, unplugged, frozen, cut off.
import { parseDuration, runCommand } from "@lbpair/common";
import { findImage, makeImage } from "../dicom/image.js";
import { createModality, DICOM_PORT } from "../dicom/modality.js";
import type { Overlap } from "../probes/claims.js";
import type { Figures } from "../probes/measure.js";
import { monotonicMs } from "../ticker.js";
import { activeNodes, otherNode, viewPair, waitForPair, waitSettled } from "../world/pair.js";
import { ADDRESSES, type ApplianceName, GATEWAY, VIP } from "../world/plan.js";
import type { World } from "../world/world.js";
import { showMs } from "./figures-table.js";
import { lbpair, measured, pause, promise, promiseAllLive, type Stage } from "./stage.js";

/** What the project promises beyond deadtime and floor; asserted with fivefold slack. */
const SLACK = 5;
const HAND_OVER_MS = 25;
const TAKE_OVER_MS = 150;
/** A few seconds of an image on its way, so that the plug is pulled in the middle. */
const SLOW_MEGABYTES = 6;
const SLOW_MEGABITS = 12;

export const deadtimeOf = (world: World): number =>
  parseDuration(world.settings.timings.deadtime) ?? 1000;

const keepaliveOf = (world: World): number =>
  parseDuration(world.settings.timings.keepalive) ?? 200;

function promiseOutage(stage: Stage, figures: Figures, allowedMs: number): void {
  const floorMs = stage.floor?.datagrams.outageMs ?? 0;
  const most = allowedMs + floorMs;
  const seen = figures.datagrams.outageMs;
  promise(stage, seen <= most, `outage ${showMs(seen)}, at most ${showMs(most)} with the floor`);
}

async function becomesActive(stage: Stage, name: ApplianceName): Promise<void> {
  await waitForPair(stage.world, `${name} active`, (pair) => activeNodes(pair).includes(name));
}

/** Every cable in, every daemon awake, one active: how each chapter leaves the pair. */
async function makeWell(stage: Stage): Promise<ApplianceName> {
  await stage.world.cables.heal();
  return waitSettled(stage.world, 45_000);
}

async function handOver(stage: Stage): Promise<number> {
  const { world } = stage;
  const next = otherNode(await waitSettled(world));
  const { figures, value } = await measured(stage, "Make Active", () =>
    lbpair(stage, next, ["make-active", next === "lb1" ? "primary" : "secondary"]),
  );
  promise(stage, value, "lbpair make-active is done");
  promise(stage, (await waitSettled(world)) === next, `${next} is active`);
  promiseAllLive(stage, figures);
  return figures.datagrams.outageMs;
}

export async function makeActive(stage: Stage): Promise<void> {
  const { screen } = stage;
  screen.heading("6 · Make Active: an ordered hand-over");
  const most = HAND_OVER_MS * SLACK + (stage.floor?.datagrams.outageMs ?? 0);
  const outages = [await handOver(stage)];
  if (Math.max(...outages) > most) {
    screen.prose("That was longer than promised. The promise is of the median, so: twice more.");
    outages.push(await handOver(stage), await handOver(stage));
  }
  const median = outages.sort((x, y) => x - y)[Math.floor(outages.length / 2)] ?? 0;
  promise(
    stage,
    median <= most,
    `outage ${showMs(median)}, at most ${showMs(most)} with the floor`,
  );
}

/** Starts sending an image so slowly that it is still on its way seconds later. */
async function slowStore(world: World) {
  const image = await makeImage(runCommand, `${world.folder}/images`, SLOW_MEGABYTES);
  const modality = createModality(runCommand, world.namespace("modality"), "eth1");
  await modality.slowDown(SLOW_MEGABITS);
  const sending = modality.store(image);
  return {
    async finish() {
      const outcome = await sending;
      await modality.slowDown(undefined);
      return { ...outcome, found: await findImage(world.clusters.primary.received, image) };
    },
  };
}

export async function plugPulled(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  screen.heading("7 · The active node's plug is pulled, in the middle of a C-STORE");
  const active = await waitSettled(world);
  const association = await world.probe("modality", "association", {
    address: VIP,
    port: DICOM_PORT,
  });
  const { figures, value: store } = await measured(
    stage,
    "plug of the active pulled",
    async () => {
      const sending = await slowStore(world);
      await pause(500);
      const pulled = monotonicMs();
      await world.cables.pull(active);
      screen.step(`both cables of ${active} are out`);
      await becomesActive(stage, otherNode(active));
      screen.step(`${otherNode(active)} is active after ${showMs(monotonicMs() - pulled)}`);
      return sending;
    },
    { afterMs: deadtimeOf(world) + 1500 },
  );
  promiseOutage(stage, figures, deadtimeOf(world) + TAKE_OVER_MS * SLACK);
  promiseAllLive(stage, figures);
  const { done, tookMs, found, said } = await store.finish();
  const text = `the C-STORE under way (${showMs(tookMs)}) arrived whole`;
  promise(stage, done && found === "whole", done ? text : `${text}: ${found} ${said}`);
  const { lives, reason } = await association.stop();
  const idle = "the idle open association answers C-ECHO";
  promise(stage, lives, lives ? idle : `${idle}: ${reason}`);
  screen.step(`the cables of ${active} are in again`);
  const now = await makeWell(stage);
  promise(stage, now === otherNode(active), `${now} stays active: nothing fails back by itself`);
}

/** Watches both networks for two claimants while something happens. */
async function watchingClaims<T>(
  world: World,
  act: () => Promise<T>,
): Promise<{ readonly value: T; readonly overlaps: readonly Overlap[] }> {
  const common = { intervalMs: 5, pauseMs: 50 };
  const front = await world.probe("front-watch", "arp-watch", {
    ...common,
    link: "eth1",
    address: ADDRESSES.frontWatch,
    targets: [VIP],
  });
  const back = await world.probe("back-watch", "arp-watch", {
    ...common,
    link: "eth0",
    address: ADDRESSES.backWatch,
    targets: [GATEWAY],
  });
  try {
    const value = await act();
    const results = await Promise.all([front.stop(), back.stop()]);
    return { value, overlaps: results.flatMap((r) => r.watched.flatMap((w) => w.overlaps)) };
  } finally {
    await Promise.all([front.abandon(), back.abandon()]);
  }
}

export async function heartbeatFrozen(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  screen.heading("8 · The active node's heartbeat daemon freezes");
  const active = await waitSettled(world);
  const { value, overlaps } = await watchingClaims(world, () =>
    measured(
      stage,
      "heartbeat of the active frozen",
      async () => {
        world.appliances[active].freeze("heartbeat");
        screen.step(`SIGSTOP to the heartbeat of ${active}`);
        await becomesActive(stage, otherNode(active));
        screen.step(`${otherNode(active)} is active; the frozen node's kernel is silent by itself`);
      },
      { afterMs: deadtimeOf(world) + 1500 },
    ),
  );
  promiseAllLive(stage, value.figures);
  promise(
    stage,
    overlaps.length === 0,
    `no moment with two claimants of an address (asked every 5 ms on both networks)`,
  );
  world.appliances[active].thaw("heartbeat");
  screen.step(`${active} thaws`);
  const now = await makeWell(stage);
  promise(stage, now === otherNode(active), `${active} finds itself replaced and stands down`);
}

export async function partitioned(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  screen.heading("9 · The two nodes lose sight of each other");
  const active = await waitSettled(world);
  await world.cables.partition(["front"]);
  screen.step("the front network no longer carries their heartbeats");
  await pause(deadtimeOf(world) * 2);
  const still = await waitSettled(world);
  promise(stage, still === active, `${active} stays active: one path is enough`);
  const { figures, value } = await measured(stage, "partition and heal", async () => {
    await world.cables.partition(["front", "back"]);
    screen.step("neither does the back network: nothing can tell them from the dead");
    await pause(deadtimeOf(world) * 2);
    const both = activeNodes(await viewPair(world)).length === 2;
    screen.step(both ? "each believes the other dead: both are active" : "one is active");
    const healed = monotonicMs();
    await world.cables.heal();
    await waitForPair(world, "one active after the heal", (pair) => activeNodes(pair).length === 1);
    return monotonicMs() - healed;
  });
  const most = keepaliveOf(world) * SLACK;
  promise(
    stage,
    value <= most,
    `one active ${showMs(value)} after the heal, at most ${showMs(most)}`,
  );
  promiseAllLive(stage, figures);
  await makeWell(stage);
}

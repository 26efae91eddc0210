// service-chapters.ts — the story's first half: images flow, a cluster fails, an operator halts one.
import { runCommand } from "@lbpair/common";
import { findImage, makeImage } from "../dicom/image.js";
import { createModality } from "../dicom/modality.js";
import { measureFloor } from "../probes/measure.js";
import { monotonicMs } from "../ticker.js";
import { type NodeView, waitForPair, waitSettled } from "../world/pair.js";
import { type ClusterName, ECHO_PORT, VIP } from "../world/plan.js";
import type { World } from "../world/world.js";
import { showMs } from "./figures-table.js";
import { lbpair, pause, promise, type Stage } from "./stage.js";

const HL7_PORT = 12800;
const IMAGE_MEGABYTES = 4;
/** A halted server's clients are told within this: an order of magnitude above what it takes. */
const TOLD_MS_MAX = 1000;

/** Which servers answer new connections now, by name. */
async function whoAnswers(world: World): Promise<Readonly<Record<string, number>>> {
  const probe = await world.probe("client", "new-connections", {
    address: VIP,
    port: ECHO_PORT,
    intervalMs: 10,
    slowMs: 200,
    timeoutMs: 2000,
  });
  await pause(300);
  return (await probe.stop()).servers;
}

export async function pairStarts(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  screen.heading("1 · Two machines become one");
  await Promise.all([world.appliances.lb1.powerOn(), world.appliances.lb2.powerOn()]);
  screen.step("lb1 and lb2 are powered on");
  const active = await waitSettled(world, 60_000);
  screen.step(`${active} is active and holds ${VIP}`);
  await waitForPair(world, "every server checked", (pair) => isOn(pair[active], "primary"), 20_000);
  promise(stage, await lbpair(stage, "lb1", ["status"]), "lbpair status answers for both nodes");
}

/** Every service of the node has been checked and uses this cluster. */
const isOn = (node: NodeView, cluster: ClusterName): boolean =>
  node.forwarder?.services.every(
    (service) => service.onFallback === (cluster === "fallback") && service.colour !== "grey",
  ) === true;

/** Waits until every service of the active node uses this cluster. */
async function waitForCluster(world: World, cluster: ClusterName): Promise<void> {
  const active = await waitSettled(world);
  await waitForPair(world, `services on the ${cluster} cluster`, (pair) =>
    isOn(pair[active], cluster),
  );
}

async function storeArrives(stage: Stage, cluster: ClusterName): Promise<void> {
  const { screen, world } = stage;
  const image = await makeImage(runCommand, `${world.folder}/images`, IMAGE_MEGABYTES);
  const modality = createModality(runCommand, world.namespace("modality"), "eth1");
  const { done, tookMs, said } = await modality.store(image);
  screen.step(`C-STORE of a ${IMAGE_MEGABYTES} MB image through the VIP took ${showMs(tookMs)}`);
  const found = await findImage(world.clusters[cluster].received, image);
  const text = `the image arrived whole at the ${cluster} cluster`;
  promise(stage, done && found === "whole", done ? text : `${text}: ${said}`);
}

export async function imagesFlow(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  screen.heading("2 · Images and orders through the virtual IP");
  const modality = createModality(runCommand, world.namespace("modality"), "eth1");
  const echo = await modality.echo();
  promise(stage, echo.done, `C-ECHO through the VIP answered in ${showMs(echo.tookMs)}`);
  await storeArrives(stage, "primary");
  const order = await world.probe("far", "hl7-order", {
    address: VIP,
    port: HL7_PORT,
    control: "LAB0001",
  });
  const answer = await order.stop();
  const right = answer.accepted && answer.control === "LAB0001" && answer.server === "primary";
  promise(stage, right, `HL7 order from behind the router acknowledged by ${answer.server}`);
}

export async function floorMeasured(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  screen.heading("3 · The floor: what the probes see when nothing happens");
  screen.prose("An echo per millisecond, a new connection every 5 ms, 100 busy open connections,");
  screen.prose("half of them from behind a router. Everything later is to be read beside this.");
  stage.floor = await measureFloor(world);
  stage.measured.push({ what: "nothing (the floor)", figures: stage.floor });
  const { datagrams, open } = stage.floor;
  screen.step(`longest time without an echo ${showMs(datagrams.outageMs)}, ${datagrams.lost} lost`);
  promise(stage, open.alive === open.total, `${open.alive} of ${open.total} connections live`);
}

export async function primaryClusterFails(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  const { interval, failures } = world.settings.check;
  screen.heading("4 · The primary cluster fails, the fallback answers");
  screen.prose(
    `Checked every ${interval}, down after ${failures} failures, so that you need not wait:`,
  );
  screen.prose("the reference deployment checks every 30 s and waits for 10, five minutes in all.");
  const probe = await world.probe("client", "new-connections", {
    address: VIP,
    port: ECHO_PORT,
    intervalMs: 20,
    slowMs: 200,
    timeoutMs: 2000,
  });
  await pause(500);
  const failed = monotonicMs();
  await world.clusters.primary.fail();
  screen.step("every server of the primary cluster is gone");
  await waitForCluster(world, "fallback");
  screen.step(`the fallback server is in use after ${showMs(monotonicMs() - failed)}`);
  await pause(300);
  const seen = await probe.stop();
  const errors = Object.entries(seen.errors).map(([code, count]) => `${count} × ${code}`);
  screen.step(`new clients got errors for ${showMs(seen.outageMs)} (${errors.join(", ")})`);
  await storeArrives(stage, "fallback");
  await lbpair(stage, "lb1", ["status"]);
  await world.clusters.primary.start();
  screen.step("the primary cluster is back");
  await waitForCluster(world, "primary");
  const servers = await whoAnswers(world);
  promise(stage, Object.keys(servers).join() === "primary", "new clients reach the primary again");
}

export async function operatorHalts(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  screen.heading("5 · An operator halts the primary cluster, and brings it back");
  const busy = await world.probe("client", "busy-connections", {
    address: VIP,
    port: ECHO_PORT,
    connections: 20,
  });
  await pause(300);
  const halted = await lbpair(stage, "lb1", ["halt", "ECHO/PrimaryCluster"]);
  const inForce = monotonicMs();
  promise(stage, halted, "lbpair halt is done");
  await pause(TOLD_MS_MAX);
  const { connections } = await busy.stop();
  const told = connections
    .map((connection) => connection.failedAtMs ?? Infinity)
    .filter((atMs) => atMs <= inForce + TOLD_MS_MAX);
  const text = `${told.length} of ${connections.length} open connections were told to reconnect`;
  const spread = told.length === 0 ? 0 : Math.max(...told) - Math.min(...told);
  promise(stage, told.length === connections.length, `${text}, all within ${showMs(spread)}`);
  const during = await whoAnswers(world);
  promise(
    stage,
    Object.keys(during).join() === "fallback",
    "new clients go to the fallback server",
  );
  promise(
    stage,
    await lbpair(stage, "lb1", ["online", "ECHO/PrimaryCluster"]),
    "lbpair online is done",
  );
  const after = await whoAnswers(world);
  promise(stage, Object.keys(after).join() === "primary", "new clients reach the primary again");
}

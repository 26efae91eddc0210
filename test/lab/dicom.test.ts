// dicom.test.ts — real images and orders through the VIP: whole at the right cluster, whatever happens on the way.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runCommand } from "@lbpair/common";
import {
  APPLIANCES,
  type ClusterName,
  createModality,
  DICOM_PORT,
  findImage,
  type Image,
  type Modality,
  makeImage,
  otherNode,
  VIP,
  type World,
  waitForPair,
} from "@lbpair/lab";
import {
  createReadyPair,
  makeWell,
  pause,
  REPEATS,
  recentEvents,
  skip,
  waitActive,
} from "./ready-pair.js";

const HL7_PORT = 12800;
const IMAGE_MEGABYTES = 4;
/** Four seconds on the way, so that the plug is pulled in the middle. */
const SLOW = { megabytes: 6, megabits: 12 } as const;

let world: World;
let modality: Modality;
before(async () => {
  if (skip !== false) return;
  world = await createReadyPair();
  modality = createModality(runCommand, world.namespace("modality"), "eth1");
});
after(() => world?.destroy());

const newImage = (megabytes: number): Promise<Image> =>
  makeImage(runCommand, join(world.folder, "images"), megabytes);

const onCluster = (cluster: ClusterName) =>
  waitForPair(
    world,
    `every service on the ${cluster} cluster`,
    (pair) =>
      APPLIANCES.every(
        (name) =>
          pair[name].forwarder?.services.every(
            (service) => service.onFallback === (cluster === "fallback"),
          ) === true,
      ),
    60_000,
  );

async function storeArrivesAt(cluster: ClusterName): Promise<void> {
  const image = await newImage(IMAGE_MEGABYTES);
  const { done, tookMs, said } = await modality.store(image);
  assert.ok(done, said);
  assert.equal(await findImage(world.clusters[cluster].received, image), "whole");
  const other = cluster === "primary" ? "fallback" : "primary";
  assert.equal(await findImage(world.clusters[other].received, image), "missing");
  console.log(
    `C-STORE of ${IMAGE_MEGABYTES} MB to the ${cluster} cluster: ${tookMs.toFixed(0)} ms`,
  );
}

async function orderIsTakenBy(cluster: ClusterName, control: string): Promise<void> {
  for (const host of ["client", "far"] as const) {
    const order = await world.probe(host, "hl7-order", { address: VIP, port: HL7_PORT, control });
    const { accepted, server, control: echoed } = await order.stop();
    assert.deepEqual(
      { accepted, server, echoed },
      { accepted: true, server: cluster, echoed: control },
    );
  }
}

test("a real image arrives whole at the primary cluster, and an HL7 order is acknowledged by it", {
  skip,
}, async () => {
  const echo = await modality.echo();
  assert.ok(echo.done, echo.said);
  await storeArrivesAt("primary");
  await orderIsTakenBy("primary", "ORDER1");
});

test("after the primary cluster fails its checks both arrive at the fallback, and then at the primary again", {
  skip,
}, async () => {
  await makeWell(world);
  await world.clusters.primary.fail();
  try {
    await onCluster("fallback");
    await storeArrivesAt("fallback");
    await orderIsTakenBy("fallback", "ORDER2");
  } finally {
    await world.clusters.primary.start();
  }
  await onCluster("primary");
  await storeArrivesAt("primary");
});

async function pullDuringStore(): Promise<void> {
  const active = await makeWell(world);
  const idle = await world.probe("modality", "association", { address: VIP, port: DICOM_PORT });
  try {
    const image = await newImage(SLOW.megabytes);
    await modality.slowDown(SLOW.megabits);
    let under = true;
    const sending = modality.store(image).finally(() => {
      under = false;
    });
    await pause(1000);
    assert.ok(under, "the image is still on its way");
    await world.cables.pull(active);
    const other = otherNode(active);
    await waitActive(world, other);
    const stillUnder = under;
    const { done, tookMs, said } = await sending;
    const association = await idle.stop();
    if (!done || !association.lives) console.log(await recentEvents(world));
    assert.ok(stillUnder, "the image was on its way all through the take over");
    assert.ok(done, said);
    assert.equal(await findImage(world.clusters.primary.received, image), "whole");
    assert.ok(association.lives, association.reason);
    console.log(
      `the C-STORE took ${tookMs.toFixed(0)} ms through the take over; ` +
        `the idle association answered a C-ECHO in ${association.echoMs.toFixed(0)} ms`,
    );
  } finally {
    await idle.abandon();
    await modality.slowDown(undefined);
  }
}

test("the active's plug pulled during a C-STORE and an idle association loses neither", {
  skip,
}, async () => {
  for (let i = 0; i < REPEATS; i += 1) await pullDuringStore();
});

// failback.test.ts — with auto-failback on, the role goes back to the primary once it is well; nothing is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { activeNodes, DEFAULT_SETTINGS, viewPair, type World, waitForPair } from "@lbpair/lab";
import { startClients } from "./clients.js";
import { createReadyPair, makeWell, recentEvents, skip, waitActive } from "./ready-pair.js";

let world: World;
before(async () => {
  if (skip !== false) return;
  world = await createReadyPair({ timings: { ...DEFAULT_SETTINGS.timings, autoFailback: true } });
});
after(() => world?.destroy());

const isActive = (name: "lb1" | "lb2") =>
  waitForPair(world, `${name} active`, (pair) => activeNodes(pair).join() === name, 60_000);

test("auto-failback returns the role to the primary after its plug was pulled, with nothing lost", {
  skip,
}, async () => {
  await isActive("lb1");
  const clients = await startClients(world, 40);
  try {
    await world.cables.pull("lb1");
    await waitActive(world, "lb2");
    await world.cables.heal();
    await isActive("lb1");
    assert.equal(await makeWell(world), "lb1");
    const because = (await viewPair(world)).lb1.heartbeat?.because;
    const { open } = await clients.stop();
    const alive = open.reduce((sum, each) => sum + each.alive, 0);
    console.log(`lb1 is active: ${because}; ${alive} of 40 open connections live`);
    if (alive < 40) console.log(await recentEvents(world));
    assert.equal(alive, 40);
  } finally {
    await clients.abandon();
  }
});

// lone.test.ts — without a living peer the address and the forwarding need no living daemon.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ApplianceName,
  activeNodes,
  createWorld,
  DAEMONS,
  otherNode,
  type Probe,
  VIP,
  viewPair,
  type World,
  waitForPair,
} from "@lbpair/lab";
import { arrivingClients, sayArriving } from "./clients.js";
import { createReadyPair, makeWell, pause, recentEvents, skip } from "./ready-pair.js";

const DEAD_MS = 20_000;

const holdsVip = async (on: World, name: ApplianceName): Promise<boolean> =>
  (await on.exec(name, ["ip", "-br", "addr", "show"])).stdout.includes(`${VIP}/32`);

/** Kills every daemon of a node, leaves them dead, and watches what new clients see meanwhile. */
async function servesWithoutDaemons(on: World, name: ApplianceName): Promise<void> {
  let clients: Probe<"new-connections"> | undefined;
  try {
    clients = await arrivingClients(on);
    await pause(500);
    clients.mark();
    await on.appliances[name].killAll();
    for (const daemon of DAEMONS) {
      assert.equal(on.appliances[name].view(daemon).pid, undefined, `${daemon} is dead`);
    }
    const until = Date.now() + DEAD_MS;
    while (Date.now() < until) {
      assert.ok(await holdsVip(on, name), "the VIP stays");
      await pause(1000);
    }
    const seen = await clients.stop();
    console.log(`${name}, every daemon dead for ${DEAD_MS / 1000} s: ${sayArriving(seen)}`);
    // A busy machine starts fewer than 200 a second, but never none.
    assert.ok(seen.attempts > 100 * (DEAD_MS / 1000), `${seen.attempts} attempts`);
    assert.deepEqual(seen.errors, {});
    assert.deepEqual(Object.keys(seen.servers), ["primary"]);
  } finally {
    await clients?.abandon();
  }
}

// Two worlds of their own, which mostly wait.
describe("without a living daemon", { concurrency: 2 }, () => {
  test("a single appliance whose daemons are all dead keeps the VIP and takes new connections", {
    skip,
  }, async (t) => {
    const world = await createWorld({ paired: false });
    t.after(() => world.destroy());
    await world.appliances.lb1.powerOn();
    await waitForPair(
      world,
      "a single appliance that serves",
      (pair) => activeNodes(pair).includes("lb1") && pair.lb1.forwarder?.ready === true,
      60_000,
    );
    assert.equal((await viewPair(world)).lb1.heartbeat?.lease.remainingMs, null, "it never ends");
    await servesWithoutDaemons(world, "lb1");
  });

  test("an appliance whose peer is powered off keeps the VIP with every daemon dead", {
    skip,
  }, async (t) => {
    const world = await createReadyPair();
    t.after(() => world.destroy());
    const off = await makeWell(world);
    const lone = otherNode(off);
    await world.appliances[off].powerOff();
    await waitForPair(
      world,
      `${lone} active, with a long lease`,
      (pair) => activeNodes(pair).includes(lone) && pair[lone].heartbeat?.lease.kind === "long",
      30_000,
    );
    await servesWithoutDaemons(world, lone);
    for (const daemon of DAEMONS) world.appliances[lone].start(daemon);
    await waitForPair(
      world,
      `${lone} active again`,
      (pair) => activeNodes(pair).includes(lone),
      45_000,
    );
    await world.appliances[off].reboot();
    const active = await makeWell(world);
    if (active !== lone) console.log(await recentEvents(world));
    assert.equal(active, lone, "who comes back does not take the role");
  });
});

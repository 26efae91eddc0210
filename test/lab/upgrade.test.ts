// upgrade.test.ts — a rolling upgrade: a node that speaks version N-1 only and one that speaks N are a whole pair.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APPLIANCES, type ApplianceName, otherNode, type World, waitForPair } from "@lbpair/lab";
import { type ClaimWatch, sayWatched, watchClaims } from "./claim-watch.js";
import { type OlderHeartbeat, olderHeartbeat } from "./older-heartbeat.js";
import {
  createReadyPair,
  makeCalm,
  makeWell,
  pause,
  recentEvents,
  skip,
  waitActive,
} from "./ready-pair.js";

let world: World;
let older: OlderHeartbeat;
before(async () => {
  if (skip !== false) return;
  older = await olderHeartbeat();
  world = await createReadyPair();
});
after(async () => {
  await world?.destroy();
  await older?.remove();
});

/** No address is claimed by two nodes at once, whatever happens meanwhile. */
async function neverTwice(work: () => Promise<void>): Promise<void> {
  const watch: ClaimWatch = await watchClaims(world);
  try {
    await work();
    const all = await watch.stop();
    console.log(sayWatched(all));
    assert.deepEqual(
      all.flatMap(({ overlaps }) => overlaps),
      [],
    );
  } catch (error) {
    console.log(await recentEvents(world));
    throw error;
  } finally {
    await watch.abandon();
  }
}

/** As a package's upgrade does it: the new files, then a restart that moves no address. */
async function change(name: ApplianceName, program: string | undefined): Promise<void> {
  const active = await makeWell(world);
  const { pid } = world.appliances[name].view("heartbeat");
  world.appliances[name].install("heartbeat", program);
  const { code, stdout, stderr } = await world.cli(name, ["restart", "heartbeat", "--here"]);
  assert.equal(code, 0, stdout + stderr);
  assert.notEqual(world.appliances[name].view("heartbeat").pid, pid);
  assert.equal(await makeWell(world), active, "no address moves");
}

/** Waits until each node hears this version of the wire format from its peer. */
async function speak(versions: Readonly<Partial<Record<ApplianceName, number>>>): Promise<void> {
  await waitForPair(world, `adverts of versions ${JSON.stringify(versions)}`, (pair) =>
    APPLIANCES.every((name) => {
      const heard = pair[otherNode(name)].heartbeat?.peer?.wireVersion;
      // A real old release does not say what it hears.
      return versions[name] === undefined || heard === undefined || heard === versions[name];
    }),
  );
}

/** Both ways in order, both ways by silence. */
async function switchEveryWay(): Promise<void> {
  for (const name of APPLIANCES) {
    if ((await makeWell(world)) === name) continue;
    const { code, stdout, stderr } = await world.cli(name, ["make-active"]);
    assert.equal(code, 0, stdout + stderr);
    await waitActive(world, name);
  }
  for (let i = 0; i < 2; i += 1) {
    const active = await makeCalm(world);
    world.appliances[active].freeze("heartbeat");
    await waitActive(world, otherNode(active));
    await pause(200);
    world.appliances[active].thaw("heartbeat");
    assert.equal(await makeWell(world), otherNode(active));
  }
}

for (const old of APPLIANCES) {
  test(
    `${old} speaks version 1, the other node 2: they elect, hand over and take over`,
    {
      skip,
    },
    () =>
      neverTwice(async () => {
        await change(old, older.program);
        await speak({ lb1: 1, lb2: 1 });
        await switchEveryWay();
        await change(old, undefined);
        await speak({ lb1: 2, lb2: 2 });
      }),
  );
}

test(
  "both speak version 1 and are upgraded one after the other, the passive one first",
  { skip },
  () =>
    neverTwice(async () => {
      for (const name of APPLIANCES) await change(name, older.program);
      const active = await makeWell(world);
      await change(otherNode(active), undefined);
      const { code } = await world.cli(otherNode(active), ["make-active"]);
      assert.equal(code, 0);
      assert.equal(await makeWell(world), otherNode(active));
      await change(active, undefined);
      await speak({ lb1: 2, lb2: 2 });
    }),
);

// virtual-mac.test.ts — a pair whose floating IPs have MACs of their own: nobody learns anything, nothing comes twice.
// runs alone: it judges stalls of a few milliseconds.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  APPLIANCES,
  type ApplianceName,
  activeNodes,
  type Figures,
  GATEWAY,
  measure,
  measureFloor,
  otherNode,
  VIP,
  viewPair,
  type World,
  waitForPair,
} from "@lbpair/lab";
import { figuresTable, type Row } from "./figures.js";
import { createReadyPair, makeWell, pause, REPEATS, skip } from "./ready-pair.js";
import {
  countTwice,
  floodSwitch,
  hearVirtual,
  judge,
  learnt,
  SLACK,
  STALL_MS,
  TIMINGS,
  virtualOf,
} from "./virtual-mac-watch.js";

let world: World;
let floor: Figures;
const rows: Row[] = [];

before(async () => {
  if (skip !== false) return;
  world = await createReadyPair({ virtualMac: true, timings: TIMINGS });
  floor = await measureFloor(world, { afterMs: 1000 });
  rows.push({ what: "nothing (the floor)", figures: floor });
});
after(async () => {
  if (rows.length > 0) console.log(figuresTable(rows));
  await world?.destroy();
});

const isActive = (name: ApplianceName) =>
  waitForPair(world, `${name} active`, (pair) => activeNodes(pair).includes(name));

test("both nodes have the same MAC on each network, and it is what every host has learnt", {
  skip,
}, async () => {
  await makeWell(world);
  const [one, two] = [await virtualOf(world, "lb1"), await virtualOf(world, "lb2")];
  console.log([...one].map(([link, mac]) => `${link} ${mac}`).join(", "));
  assert.deepEqual([...one].sort(), [...two].sort());
  assert.equal(new Set(one.values()).size, 2);
  await world.exec("client", ["ping", "-c1", VIP]);
  assert.equal(await learnt(world, "client", VIP), one.get("eth1"));
  assert.equal(await learnt(world, "primary", GATEWAY), one.get("eth0"));
  const pair = await viewPair(world);
  for (const name of APPLIANCES) assert.deepEqual(pair[name].heartbeat?.problems, []);
});

/** A machine under load stalls clients by itself: the best of several counts. */
const TRIES = Math.max(3, REPEATS);
const LATE_MS = 80;

test("the plug of the active pulled: open connections go on before anything is decided", {
  skip,
}, async () => {
  const stalls: number[] = [];
  for (let i = 0; i < TRIES; i += 1) {
    const active = await makeWell(world);
    await pause(500);
    const before = await learnt(world, "client", VIP);
    const { figures } = await measure(
      world,
      async () => {
        await world.cables.pull(active);
        await isActive(otherNode(active));
      },
      { afterMs: 1000 },
    );
    rows.push({ what: "plug of the active pulled", figures });
    judge("plug of the active pulled", figures);
    assert.equal(await learnt(world, "client", VIP), before);
    stalls.push(figures.open.longestStallMs);
  }
  const allowedMs = STALL_MS * SLACK + floor.open.longestStallMs;
  assert.ok(Math.min(...stalls) <= allowedMs, `${stalls.join(", ")} ms, allowed ${allowedMs}`);
});

test("a planned switch loses nothing and slows nobody", { skip }, async () => {
  for (let i = 0; i < TRIES; i += 1) {
    const active = await makeWell(world);
    const next = otherNode(active);
    const { figures } = await measure(
      world,
      async () => {
        const designation = next === "lb1" ? "primary" : "secondary";
        const { code, stdout } = await world.cli(active, ["make-active", designation]);
        assert.equal(code, 0, stdout);
        await isActive(next);
      },
      { afterMs: 1000 },
    );
    rows.push({ what: "Make Active", figures });
    judge("Make Active", figures);
    // A client that stands still loses datagrams by itself, whoever forwards them.
    if (figures.datagrams.latenessMaxMs > LATE_MS) continue;
    assert.equal(figures.datagrams.lost, 0);
    assert.equal(figures.newConnections.failed, 0);
  }
});

test("a switch that forgets all it knew, again and again, delivers no datagram twice, there or back", {
  skip,
}, async () => {
  await makeWell(world);
  const twice = await countTwice(world);
  const flood = floodSwitch(world, 100);
  const measured = measure(world, () => pause(5000), { afterMs: 200 });
  const { figures } = await measured.finally(() => flood.stop());
  const flushed = await flood.stop();
  rows.push({ what: `MAC table flushed ${flushed} times`, figures });
  judge(`MAC table flushed ${flushed} times`, figures);
  const { seen, doubled, refused } = await twice.stop();
  console.log(
    `server and client saw ${seen} datagrams, ${doubled} of them twice; the passive refused ${refused} flooded frames`,
  );
  assert.ok(refused > 1000, "the switch did flood to the passive node");
  assert.equal(doubled, 0);
});

test("the passive node says not one frame in the virtual MACs' names", { skip }, async () => {
  const active = await makeWell(world);
  const passive = otherNode(active);
  const heard = await hearVirtual(world, passive, [...(await virtualOf(world, passive)).values()]);
  const flood = floodSwitch(world, 200);
  await pause(4000);
  await flood.stop();
  const frames = await heard.stop();
  console.log(`${passive}, passive, said ${frames} frames in 4 s`);
  assert.equal(frames, 0);
  const reminded = await hearVirtual(world, active, [...(await virtualOf(world, active)).values()]);
  await pause(11_000);
  const reminders = await reminded.stop();
  console.log(`${active}, active, said ${reminders} frames in 11 s`);
  assert.ok(reminders >= 2, "switches are reminded of each virtual MAC");
});

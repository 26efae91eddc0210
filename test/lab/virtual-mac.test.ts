// virtual-mac.test.ts — a pair whose floating IPs have MACs of their own: nobody learns anything, nothing comes twice.
// runs alone: it judges stalls of a few milliseconds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { APPLIANCES, GATEWAY, otherNode, VIP, viewPair } from "@lbpair/lab";
import { measuredPair } from "./measured-pair.js";
import { makeWell, pause, REPEATS, skip, waitActive } from "./ready-pair.js";
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

const lab = measuredPair({ virtualMac: true, timings: TIMINGS });

test("both nodes have the same MAC on each network, and it is what every host has learnt", {
  skip,
}, async () => {
  await makeWell(lab.world);
  const [one, two] = [await virtualOf(lab.world, "lb1"), await virtualOf(lab.world, "lb2")];
  console.log([...one].map(([link, mac]) => `${link} ${mac}`).join(", "));
  assert.deepEqual([...one].sort(), [...two].sort());
  assert.equal(new Set(one.values()).size, 2);
  await lab.world.exec("client", ["ping", "-c1", VIP]);
  assert.equal(await learnt(lab.world, "client", VIP), one.get("eth1"));
  assert.equal(await learnt(lab.world, "primary", GATEWAY), one.get("eth0"));
  const pair = await viewPair(lab.world);
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
    const active = await makeWell(lab.world);
    await pause(500);
    const before = await learnt(lab.world, "client", VIP);
    const figures = await lab.figuresOf(
      "plug of the active pulled",
      async () => {
        await lab.world.cables.pull(active);
        await waitActive(lab.world, otherNode(active));
      },
      { afterMs: 1000 },
    );
    judge("plug of the active pulled", figures);
    assert.equal(await learnt(lab.world, "client", VIP), before);
    stalls.push(figures.open.longestStallMs);
  }
  const allowedMs = STALL_MS * SLACK + lab.floor.open.longestStallMs;
  assert.ok(Math.min(...stalls) <= allowedMs, `${stalls.join(", ")} ms, allowed ${allowedMs}`);
});

test("a planned switch loses nothing and slows nobody", { skip }, async () => {
  for (let i = 0, judged = 0; i < TRIES && judged < REPEATS; i += 1) {
    const active = await makeWell(lab.world);
    const next = otherNode(active);
    const figures = await lab.figuresOf(
      "Make Active",
      async () => {
        const designation = next === "lb1" ? "primary" : "secondary";
        const { code, stdout } = await lab.world.cli(active, ["make-active", designation]);
        assert.equal(code, 0, stdout);
        await waitActive(lab.world, next);
      },
      { afterMs: 1000 },
    );
    judge("Make Active", figures);
    // A client that stands still loses datagrams by itself, whoever forwards them.
    if (figures.datagrams.latenessMaxMs > LATE_MS) continue;
    judged += 1;
    assert.equal(figures.datagrams.lost, 0);
    assert.equal(figures.newConnections.failed, 0);
  }
});

test("a switch that forgets all it knew, again and again, delivers no datagram twice, there or back", {
  skip,
}, async () => {
  await makeWell(lab.world);
  const twice = await countTwice(lab.world);
  const flood = floodSwitch(lab.world, 100);
  const what = "MAC tables flushed every 100 ms";
  const measured = lab.figuresOf(what, () => pause(5000), { afterMs: 200 });
  const figures = await measured.finally(() => flood.stop());
  const flushed = await flood.stop();
  judge(`${what}, ${flushed} times`, figures);
  const { seen, doubled, refused } = await twice.stop();
  console.log(
    `server and client saw ${seen} datagrams, ${doubled} of them twice; the passive refused ${refused} flooded frames`,
  );
  assert.ok(refused > 1000, "the switch did flood to the passive node");
  assert.equal(doubled, 0);
});

test("the passive node says not one frame in the virtual MACs' names", { skip }, async () => {
  const active = await makeWell(lab.world);
  const passive = otherNode(active);
  const heard = await hearVirtual(lab.world, passive, [
    ...(await virtualOf(lab.world, passive)).values(),
  ]);
  const flood = floodSwitch(lab.world, 200);
  await pause(4000);
  await flood.stop();
  const frames = await heard.stop();
  console.log(`${passive}, passive, said ${frames} frames in 4 s`);
  assert.equal(frames, 0);
  const reminded = await hearVirtual(lab.world, active, [
    ...(await virtualOf(lab.world, active)).values(),
  ]);
  await pause(11_000);
  const reminders = await reminded.stop();
  console.log(`${active}, active, said ${reminders} frames in 11 s`);
  assert.ok(reminders >= 2, "switches are reminded of each virtual MAC");
});

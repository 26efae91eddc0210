// virtual-mac.test.ts — a pair whose floating IPs have MACs of their own: nobody learns anything, nothing comes twice.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { mustRun, runCommand } from "@lbpair/common";
import {
  APPLIANCES,
  type ApplianceName,
  activeNodes,
  type Figures,
  GATEWAY,
  type HostName,
  hostPlan,
  measure,
  measureFloor,
  otherNode,
  VIP,
  viewPair,
  type World,
  waitForPair,
} from "@lbpair/lab";
import { figuresTable, type Row, stallAllowedMs } from "./figures.js";
import { createReadyPair, makeWell, pause, REPEATS, recentEvents, skip } from "./ready-pair.js";
import { countTwice, floodSwitch, hearVirtual } from "./virtual-mac-watch.js";

/** A stall that nobody notices; what a quiet machine reaches, asserted with slack for a busy one. */
const STALL_MS = 25;
const SLACK = 8;
const TIMINGS = {
  keepalive: "100ms",
  warntime: "200ms",
  deadtime: "300ms",
  initdead: "31s",
  lease: "250ms",
  loneLease: "30s",
  autoFailback: false,
};

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

/** Where a host thinks that a floating IP is. */
async function learnt(host: HostName, address: string): Promise<string> {
  const { stdout } = await world.exec(host, ["ip", "neigh", "show", address]);
  return /lladdr (\S+)/.exec(stdout)?.[1] ?? "nobody";
}

/** Device and MAC of the virtual MACs of a node, by the link underneath. */
async function virtualOf(name: ApplianceName): Promise<Map<string, string>> {
  const { stdout } = await world.exec(name, ["ip", "-j", "link", "show", "type", "macvlan"]);
  const links = JSON.parse(stdout || "[]") as { link: string; address: string }[];
  return new Map(links.map(({ link, address }) => [link, address]));
}

function judge(what: string, figures: Figures): void {
  rows.push({ what, figures });
  const { open, datagrams } = figures;
  const stalls = open.connections.map(({ stallMs }) => stallMs).sort((a, b) => a - b);
  const at = (share: number) => stalls[Math.floor((stalls.length - 1) * share)]?.toFixed(0);
  console.log(
    `${what}: longest stall ${open.longestStallMs.toFixed(1)} ms (median ${at(0.5)}, p90 ${at(0.9)}), ` +
      `UDP out ${datagrams.outageMs.toFixed(0)} ms, ${datagrams.lost} lost, ${datagrams.duplicates} twice`,
  );
  assert.deepEqual(open.reasons, {}, `${open.alive} of ${open.total} live`);
}

test("both nodes have the same MAC on each network, and it is what every host has learnt", {
  skip,
}, async () => {
  await makeWell(world);
  const [one, two] = [await virtualOf("lb1"), await virtualOf("lb2")];
  console.log([...one].map(([link, mac]) => `${link} ${mac}`).join(", "));
  assert.deepEqual([...one].sort(), [...two].sort());
  assert.equal(new Set(one.values()).size, 2);
  await world.exec("client", ["ping", "-c1", VIP]);
  assert.equal(await learnt("client", VIP), one.get("eth1"));
  assert.equal(await learnt("primary", GATEWAY), one.get("eth0"));
  const pair = await viewPair(world);
  for (const name of APPLIANCES) assert.deepEqual(pair[name].heartbeat?.problems, []);
});

test("the plug of the active pulled: open connections go on before anything is decided", {
  skip,
}, async () => {
  for (let i = 0; i < Math.max(3, REPEATS); i += 1) {
    const active = await makeWell(world);
    await pause(500);
    const before = await learnt("client", VIP);
    const { figures } = await measure(
      world,
      async () => {
        await world.cables.pull(active);
        await isActive(otherNode(active));
      },
      { afterMs: 1500 },
    );
    judge("plug of the active pulled", figures);
    assert.equal(await learnt("client", VIP), before);
    const { longestStallMs } = figures.open;
    assert.ok(longestStallMs <= STALL_MS * SLACK + floor.open.longestStallMs);
  }
});

test("a planned switch loses nothing and slows nobody", { skip }, async () => {
  for (let i = 0; i < Math.max(2, REPEATS); i += 1) {
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
    judge("Make Active", figures);
    assert.equal(figures.datagrams.lost, 0);
    assert.equal(figures.datagrams.duplicates, 0);
    assert.equal(figures.newConnections.failed, 0);
  }
});

test("a switch that forgets all it knew, again and again, delivers no datagram twice, there or back", {
  skip,
}, async () => {
  await makeWell(world);
  const twice = await countTwice(world);
  const flood = floodSwitch(world, 100);
  const { figures } = await measure(world, () => pause(5000), { afterMs: 200 });
  const flushed = await flood.stop();
  judge(`MAC table flushed ${flushed} times`, figures);
  const { seen, doubled, refused } = await twice.stop();
  console.log(
    `server and client saw ${seen} datagrams, ${doubled} of them twice; the passive refused ${refused} flooded frames`,
  );
  assert.ok(refused > 1000, "the switch did flood to the passive node");
  assert.equal(doubled, 0);
  assert.equal(figures.datagrams.duplicates, 0);
  assert.equal(figures.datagrams.lost, 0);
});

test("the passive node says not one frame in the virtual MACs' names", { skip }, async () => {
  const active = await makeWell(world);
  const passive = otherNode(active);
  const heard = await hearVirtual(world, passive, [...(await virtualOf(passive)).values()]);
  const flood = floodSwitch(world, 200);
  await pause(4000);
  await flood.stop();
  const frames = await heard.stop();
  console.log(`${passive}, passive, said ${frames} frames in 4 s`);
  assert.equal(frames, 0);
  await pause(11_000);
  const reminded = await hearVirtual(world, active, [...(await virtualOf(active)).values()]);
  await pause(11_000);
  const reminders = await reminded.stop();
  console.log(`${active}, active, said ${reminders} frames in 11 s`);
  assert.ok(reminders >= 2, "switches are reminded of each virtual MAC");
});

for (const [what, harm] of [
  ["frozen", (active: ApplianceName) => world.appliances[active].freeze("heartbeat")],
  [
    "killed",
    (active: ApplianceName) => world.appliances[active].kill("heartbeat", { leaveDead: true }),
  ],
] as const) {
  test(`the heartbeat of the active ${what}: its kernel goes on until the other has taken over`, {
    skip,
  }, async () => {
    const active = await makeWell(world);
    const { figures } = await measure(
      world,
      async () => {
        await harm(active);
        await isActive(otherNode(active));
      },
      { afterMs: 1500 },
    );
    judge(`heartbeat of the active ${what}`, figures);
    assert.ok(figures.datagrams.outageMs <= STALL_MS * SLACK + floor.datagrams.outageMs);
    assert.ok(figures.open.longestStallMs <= stallAllowedMs(figures, floor));
    const { figures: healing } = await measure(world, () => makeWell(world), { afterMs: 500 });
    judge(`… and well again after it was ${what}`, healing);
    assert.ok(healing.open.longestStallMs <= stallAllowedMs(healing, floor));
  });
}

test("the setting goes on and off on a running pair; open connections live and no device is left", {
  skip,
}, async () => {
  const file = world.appliances.lb1.paths.servicesFile;
  const withIt = await readFile(file, "utf8");
  for (const on of [false, true]) {
    const active = await makeWell(world);
    await writeFile(file, on ? withIt : withIt.replace("virtualMac: true", "virtualMac: false"));
    const { figures } = await measure(
      world,
      async () => {
        const { code, stdout, stderr } = await world.cli("lb1", ["apply"]);
        assert.equal(code, 0, `${stdout}${stderr}`);
      },
      { afterMs: 6000 },
    );
    judge(`virtual MAC switched ${on ? "on" : "off"}`, figures);
    if (figures.open.alive < figures.open.total) console.log(await recentEvents(world));
    assert.ok(figures.open.longestStallMs <= stallAllowedMs(figures, floor));
    const macs = await virtualOf(active);
    assert.equal(macs.size, on ? 2 : 0, `${active}: ${[...macs].join()}`);
    assert.equal((await virtualOf(otherNode(active))).size, on ? 2 : 0);
    await world.exec("client", ["ping", "-c1", VIP]);
    const own = hostPlan(active).cables.find(({ link }) => link === "eth1")?.mac;
    assert.equal(await learnt("client", VIP), on ? macs.get("eth1") : own);
    const { stdout } = await mustRun(runCommand, [
      ...["ip", "-n", world.namespace(active), "-j", "addr", "show", "to", `${VIP}/32`],
    ]);
    const places = (JSON.parse(stdout) as { ifname?: string }[]).flatMap(
      ({ ifname }) => ifname ?? [],
    );
    assert.deepEqual(places, [on ? "lbv-eth1" : "eth1"]);
  }
});

// virtual-mac-harm.test.ts — a pair with virtual MACs whose active daemon is harmed, and whose setting goes on and off.
// measures: what clients see of each harm, beside what they see of none.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { mustRun, runCommand } from "@lbpair/common";
import {
  type ApplianceName,
  activeNodes,
  type Figures,
  hostPlan,
  measure,
  measureFloor,
  otherNode,
  VIP,
  type World,
  waitForPair,
} from "@lbpair/lab";
import { figuresTable, type Row, stallAllowedMs } from "./figures.js";
import { createReadyPair, makeWell, recentEvents, skip } from "./ready-pair.js";
import { judge, learnt, SLACK, STALL_MS, TIMINGS, virtualOf } from "./virtual-mac-watch.js";

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
    rows.push({ what: `heartbeat of the active ${what}`, figures });
    judge(`heartbeat of the active ${what}`, figures);
    // A client that stands still sees an outage of its own.
    const ownMs = floor.datagrams.outageMs + figures.datagrams.latenessMaxMs;
    assert.ok(figures.datagrams.outageMs <= STALL_MS * SLACK + ownMs);
    assert.ok(figures.open.longestStallMs <= stallAllowedMs(figures, floor));
    const { figures: healing } = await measure(world, () => makeWell(world), { afterMs: 500 });
    rows.push({ what: `… and well again after it was ${what}`, figures: healing });
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
    rows.push({ what: `virtual MAC switched ${on ? "on" : "off"}`, figures });
    judge(`virtual MAC switched ${on ? "on" : "off"}`, figures);
    if (figures.open.alive < figures.open.total) console.log(await recentEvents(world));
    assert.ok(figures.open.longestStallMs <= stallAllowedMs(figures, floor));
    const macs = await virtualOf(world, active);
    assert.equal(macs.size, on ? 2 : 0, `${active}: ${[...macs].join()}`);
    assert.equal((await virtualOf(world, otherNode(active))).size, on ? 2 : 0);
    await world.exec("client", ["ping", "-c1", VIP]);
    const own = hostPlan(active).cables.find(({ link }) => link === "eth1")?.mac;
    assert.equal(await learnt(world, "client", VIP), on ? macs.get("eth1") : own);
    const { stdout } = await mustRun(runCommand, [
      ...["ip", "-n", world.namespace(active), "-j", "addr", "show", "to", `${VIP}/32`],
    ]);
    const places = (JSON.parse(stdout) as { ifname?: string }[]).flatMap(
      ({ ifname }) => ifname ?? [],
    );
    assert.deepEqual(places, [on ? "lbv-eth1" : "eth1"]);
  }
});

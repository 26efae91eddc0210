// virtual-mac-harm.test.ts — a pair with virtual MACs whose active daemon is harmed, and whose setting goes on and off.
// measures: what clients see of each harm, beside what they see of none.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { mustRun, runCommand } from "@lbpair/common";
import { type ApplianceName, hostPlan, otherNode, VIP } from "@lbpair/lab";
import { stallAllowedMs } from "./figures.js";
import { measuredPair } from "./measured-pair.js";
import { makeWell, skip, waitActive } from "./ready-pair.js";
import { judge, learnt, SLACK, STALL_MS, TIMINGS, virtualOf } from "./virtual-mac-watch.js";

const lab = measuredPair({ virtualMac: true, timings: TIMINGS });

for (const [what, harm] of [
  ["frozen", (active: ApplianceName) => lab.world.appliances[active].freeze("heartbeat")],
  [
    "killed",
    (active: ApplianceName) => lab.world.appliances[active].kill("heartbeat", { leaveDead: true }),
  ],
] as const) {
  test(`the heartbeat of the active ${what}: its kernel goes on until the other has taken over`, {
    skip,
  }, async () => {
    const active = await makeWell(lab.world);
    const figures = await lab.figuresOf(
      `heartbeat of the active ${what}`,
      async () => {
        await harm(active);
        await waitActive(lab.world, otherNode(active));
      },
      { afterMs: 1500 },
    );
    judge(`heartbeat of the active ${what}`, figures);
    // A client that stands still sees an outage of its own.
    const ownMs = lab.floor.datagrams.outageMs + figures.datagrams.latenessMaxMs;
    assert.ok(figures.datagrams.outageMs <= STALL_MS * SLACK + ownMs);
    assert.ok(figures.open.longestStallMs <= stallAllowedMs(figures, lab.floor));
    const healing = await lab.figuresOf(
      `… and well again after it was ${what}`,
      () => makeWell(lab.world),
      { afterMs: 500 },
    );
    judge(`… and well again after it was ${what}`, healing);
    assert.ok(healing.open.longestStallMs <= stallAllowedMs(healing, lab.floor));
  });
}

test("the setting goes on and off on a running pair; open connections live and no device is left", {
  skip,
}, async () => {
  const file = lab.world.appliances.lb1.paths.servicesFile;
  const withIt = await readFile(file, "utf8");
  for (const on of [false, true]) {
    const active = await makeWell(lab.world);
    await writeFile(file, on ? withIt : withIt.replace("virtualMac: true", "virtualMac: false"));
    const figures = await lab.figuresOf(
      `virtual MAC switched ${on ? "on" : "off"}`,
      async () => {
        const { code, stdout, stderr } = await lab.world.cli("lb1", ["apply"]);
        assert.equal(code, 0, `${stdout}${stderr}`);
      },
      { afterMs: 6000 },
    );
    judge(`virtual MAC switched ${on ? "on" : "off"}`, figures);
    assert.ok(figures.open.longestStallMs <= stallAllowedMs(figures, lab.floor));
    const macs = await virtualOf(lab.world, active);
    assert.equal(macs.size, on ? 2 : 0, `${active}: ${[...macs].join()}`);
    assert.equal((await virtualOf(lab.world, otherNode(active))).size, on ? 2 : 0);
    await lab.world.exec("client", ["ping", "-c1", VIP]);
    const own = hostPlan(active).cables.find(({ link }) => link === "eth1")?.mac;
    assert.equal(await learnt(lab.world, "client", VIP), on ? macs.get("eth1") : own);
    const { stdout } = await mustRun(runCommand, [
      ...["ip", "-n", lab.world.namespace(active), "-j", "addr", "show", "to", `${VIP}/32`],
    ]);
    const places = (JSON.parse(stdout) as { ifname?: string }[]).flatMap(
      ({ ifname }) => ifname ?? [],
    );
    assert.deepEqual(places, [on ? "lbv-eth1" : "eth1"]);
  }
});

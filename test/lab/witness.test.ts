// witness.test.ts — silence alone is no death: broken paths, strangers, and a node that is cut off itself.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, afterEach, before, test } from "node:test";
import {
  ADDRESSES,
  APPLIANCES,
  type ApplianceName,
  activeNodes,
  DEFAULT_SETTINGS,
  monotonicMs,
  otherNode,
  VIP,
  viewPair,
  type World,
} from "@lbpair/lab";
import { type ClaimWatch, claimants, sayWatched, watchClaims } from "./claim-watch.js";
import { createReadyPair, makeWell, pause, recentEvents, skip, waitActive } from "./ready-pair.js";
import { HEARTBEAT_PORT } from "./stranger.js";

let world: World;
/** A pair that does not wait for a VIP that answers: what holds it back is its own isolation. */
let bold: World | undefined;
let watch: ClaimWatch | undefined;
let deadtimeMs = 0;
let leaseMs = 0;
before(async () => {
  if (skip !== false) return;
  world = await createReadyPair();
  const timings = (await viewPair(world)).lb1.heartbeat?.timings;
  deadtimeMs = timings?.deadtimeMs ?? 0;
  leaseMs = timings?.leaseMs ?? 0;
});
afterEach(async () => {
  await watch?.abandon();
  watch = undefined;
});
after(() => world?.destroy());

/** Longest time that this machine under load may add to any of the times below. */
const SLACK_MS = 400;
/** A reload runs commands, each of which takes its time on a machine under load. */
const RELOAD_MS_MAX = 20_000;

const events = async (node: ApplianceName, after: number): Promise<string[]> => {
  const listed = (await world.appliances[node].ask("heartbeat", `GET /events?after=${after}`)) as {
    seq: number;
    event: string;
    level: string;
    text: string;
  }[];
  return listed.map(({ level, event, text }) => `${level} ${event}: ${text}`);
};
const lastSeq = async (node: ApplianceName): Promise<number> => {
  const listed = (await world.appliances[node].ask("heartbeat", "GET /events?after=0")) as {
    seq: number;
  }[];
  return listed.at(-1)?.seq ?? 0;
};

/** Heartbeat datagrams are dropped at both nodes; everything else gets through. */
async function dropDatagrams(): Promise<() => Promise<void>> {
  const rules =
    "table inet lbpair_test { chain in { type filter hook input priority -300;\n" +
    `udp dport ${HEARTBEAT_PORT} drop\n }\n}\n`;
  for (const name of APPLIANCES) {
    const { code, stderr } = await world.exec(name, ["nft", "-f", "-"], { input: rules });
    assert.equal(code, 0, stderr);
  }
  return async () => {
    for (const name of APPLIANCES) {
      await world.exec(name, ["nft", "delete", "table", "inet", "lbpair_test"]);
    }
  };
}

/** One claimant for each address, and it is this one; answers how long the longest silence was. */
async function onlyClaimants(order: readonly ApplianceName[]): Promise<number> {
  const all = (await watch?.stop()) ?? [];
  console.log(sayWatched(all));
  let longest = 0;
  for (const one of all) {
    assert.deepEqual(one.overlaps, [], `two claimants of ${one.address}`);
    if ((one.address === VIP) !== (one.network === "front")) continue;
    const want = order.map((name) => `${name} ${one.network}`);
    assert.deepEqual(claimants(one), want, `${one.address} on ${one.network}`);
    longest = Math.max(longest, one.longestSilenceMs - one.latenessMaxMs);
  }
  return longest;
}

test("with every heartbeat path broken and both nodes alive, the passive does not take over, says why, and all heals without a move", {
  skip,
}, async () => {
  const active = await makeWell(world);
  const passive = otherNode(active);
  const seen = await lastSeq(passive);
  watch = await watchClaims(world);
  const heal = await dropDatagrams();
  try {
    await pause(6 * deadtimeMs);
    const pair = await viewPair(world);
    assert.deepEqual(activeNodes(pair), [active]);
    assert.equal(pair[passive].heartbeat?.peer?.alive, false);
    const networks = pair[passive].heartbeat?.witness ?? [];
    console.log(JSON.stringify(networks), await events(passive, seen));
    assert.ok(networks.every(({ answeredBy }) => answeredBy === "peer"));
    assert.ok(
      (await events(passive, seen)).some((each) => each.includes("heartbeat path is broken")),
    );
  } finally {
    await heal();
  }
  assert.equal(await makeWell(world), active);
  await pause(2 * deadtimeMs);
  await onlyClaimants([active]);
});

test("with the paths broken first and the active's power cut then, the passive takes over all the same", {
  skip,
}, async () => {
  const active = await makeWell(world);
  const heal = await dropDatagrams();
  try {
    await pause(2 * deadtimeMs);
    assert.deepEqual(activeNodes(await viewPair(world)), [active]);
    const began = monotonicMs();
    await world.cables.pull(active);
    await waitActive(world, otherNode(active), 5000);
    const tookMs = monotonicMs() - began;
    console.log(`taken over ${tookMs.toFixed(0)} ms after the power was cut`);
    assert.ok(tookMs <= deadtimeMs + SLACK_MS);
  } finally {
    await heal();
  }
  await makeWell(world);
});

for (const [what, harm, heal] of [
  ["frozen", (w: World, n: ApplianceName) => w.appliances[n].freeze("heartbeat"), "thaw"],
  [
    "killed",
    (w: World, n: ApplianceName) => w.appliances[n].kill("heartbeat", { leaveDead: true }),
    "start",
  ],
] as const) {
  test(`with the active's heartbeat ${what}, witnesses delay the take over by nothing`, {
    skip,
  }, async () => {
    const active = await makeWell(world);
    watch = await watchClaims(world);
    await pause(300);
    await harm(world, active);
    await waitActive(world, otherNode(active), 5000);
    await pause(300);
    world.appliances[active][heal]("heartbeat");
    await makeWell(world);
    const silentMs = await onlyClaimants([active, otherNode(active)]);
    const wantMs = deadtimeMs - leaseMs + 100;
    console.log(`nobody answered for ${silentMs.toFixed(0)} ms, want ${wantMs} at most`);
    assert.ok(silentMs <= wantMs + SLACK_MS);
  });
}

test("a stranger that answers for the VIP of a dead active delays nothing, and is an alarm with its MAC", {
  skip,
}, async () => {
  const active = await makeWell(world);
  const passive = otherNode(active);
  const seen = await lastSeq(passive);
  const began = monotonicMs();
  try {
    await world.cables.pull(active);
    await world.exec("front-watch", ["ip", "addr", "add", `${VIP}/32`, "dev", "eth1"]);
    await waitActive(world, passive, 5000);
    const tookMs = monotonicMs() - began;
    console.log(`taken over ${tookMs.toFixed(0)} ms after the cables were pulled`);
    assert.ok(tookMs <= 2 * deadtimeMs);
    const conflict = (all: string[]) => all.filter((each) => each.includes("address-conflict"));
    const end = monotonicMs() + 15_000;
    while (conflict(await events(passive, seen)).length === 0 && monotonicMs() < end)
      await pause(50);
    const alarms = conflict(await events(passive, seen));
    console.log(alarms.join("; "));
    assert.equal(alarms.length, 1);
    assert.match(alarms[0] ?? "", /^alarm address-conflict: .*02:00:00:00:f0:3c/);
  } finally {
    await world.exec("front-watch", ["ip", "addr", "del", `${VIP}/32`, "dev", "eth1"]);
  }
  await makeWell(world);
});

/** The heartbeat uses the front path only, until the answer is called. */
async function frontPathOnly(): Promise<() => Promise<void>> {
  const texts = new Map<ApplianceName, string>();
  for (const name of APPLIANCES) {
    const file = world.appliances[name].paths.applianceFile;
    const text = await readFile(file, "utf8");
    texts.set(name, text);
    const lines = text
      .split("\n")
      .filter((line) => !line.includes(`local: ${ADDRESSES.back[name]}`));
    await writeFile(file, lines.join("\n"));
  }
  const reload = () =>
    Promise.all(
      APPLIANCES.map((name) =>
        world.appliances[name].ask("heartbeat", "POST /reload", {}, RELOAD_MS_MAX),
      ),
    );
  const began = monotonicMs();
  await reload();
  console.log(`reloaded in ${(monotonicMs() - began).toFixed(0)} ms`);
  return async () => {
    for (const [name, text] of texts)
      await writeFile(world.appliances[name].paths.applianceFile, text);
    await reload();
  };
}

for (const [what, cut, mend] of [
  [
    "without carrier",
    (node: ApplianceName) => world.cables.pull(node, ["front"]),
    (node: ApplianceName) => world.cables.plug(node, ["front"]),
  ],
  [
    "with carrier, but through a switch that lets nothing pass",
    (node: ApplianceName) =>
      world.exec("switch", ["bridge", "link", "set", "dev", `f-${node}`, "state", "0"]),
    (node: ApplianceName) =>
      world.exec("switch", ["bridge", "link", "set", "dev", `f-${node}`, "state", "3"]),
  ],
] as const) {
  test(`a passive that loses only its front network, and with it the only heartbeat path, does not claim the gateway: ${what}`, {
    skip,
  }, async () => {
    const timings = { ...DEFAULT_SETTINGS.timings, whenVipAnswers: "take-over" };
    if (bold === undefined) {
      await world.destroy();
      bold = await createReadyPair({ timings });
    }
    world = bold;
    const active = await makeWell(world);
    const passive = otherNode(active);
    const seen = await lastSeq(passive);
    const restore = await frontPathOnly();
    try {
      await makeWell(world);
      watch = await watchClaims(world);
      await pause(300);
      await cut(passive);
      await pause(4 * deadtimeMs);
      const pair = await viewPair(world);
      console.log(JSON.stringify(pair[passive].heartbeat?.witness));
      assert.deepEqual(activeNodes(pair), [active]);
      const held = (await events(passive, seen)).filter((each) => each.includes("held-back"));
      console.log(held.join("; "));
      assert.ok(held.some((each) => each.includes("cut off from 1 of")));
      await mend(passive);
      assert.equal(await makeWell(world), active);
      await onlyClaimants([active]);
    } catch (error) {
      console.log(await recentEvents(world));
      throw error;
    } finally {
      await mend(passive);
      await restore();
    }
    await makeWell(world);
  });
}

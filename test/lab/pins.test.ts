// pins.test.ts — a whole pair: open connections on a server that the maps no longer name live through a failover (F10).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type ApplianceName,
  otherNode,
  type PairView,
  type Probe,
  VIP,
  type World,
  waitForPair,
} from "@lbpair/lab";
import {
  createReadyPair,
  makeCalm,
  makeWell,
  pause,
  recentEvents,
  skip,
  waitActive,
} from "./ready-pair.js";

const STREAM_PORT = 12950;
const HALF = 50;
const CHECKED_MS_MAX = 60_000;

let world: World;
before(async () => {
  if (skip === false) world = await createReadyPair();
});
after(() => world?.destroy());

const serviceOf = (pair: PairView, node: ApplianceName) =>
  pair[node].forwarder?.services.find((service) => service.label === "VNA");

/** Talking, listening and silent connections, half of them from behind the router. */
async function openConnections(): Promise<Probe<"busy-connections">[]> {
  const target = { address: VIP, port: STREAM_PORT, connections: HALF };
  return [
    await world.probe("client", "busy-connections", target),
    await world.probe("far", "busy-connections", target),
  ];
}

const allCovered = (node: ApplianceName, least = 2 * HALF) =>
  waitForPair(
    world,
    "every open connection counts as covered",
    (pair) => {
      const coverage = serviceOf(pair, node)?.coverage;
      return coverage !== undefined && coverage.open >= least && coverage.covered === coverage.open;
    },
    CHECKED_MS_MAX,
  );

const fallbackServes = (active: ApplianceName) =>
  waitForPair(
    world,
    "the fallback serves",
    (pair) => serviceOf(pair, active)?.onFallback === true,
    CHECKED_MS_MAX,
  );

const pinsIn = async (node: ApplianceName): Promise<number> => {
  const { stdout } = await world.exec(node, ["nft", "list", "map", "ip", "lbpair", "pins"]);
  return stdout.match(/expires/g)?.length ?? 0;
};

async function allLive(what: string, probes: readonly Probe<"busy-connections">[]): Promise<void> {
  const results = await Promise.all(probes.map((probe) => probe.stop()));
  const sum = (of: "alive" | "total") => results.reduce((all, each) => all + each[of], 0);
  const reasons = results.map((each) => each.reasons);
  console.log(`seen: ${what}: ${sum("alive")} of ${sum("total")} live ${JSON.stringify(reasons)}`);
  if (sum("alive") !== sum("total")) console.log(await recentEvents(world));
  assert.equal(sum("total"), 2 * HALF);
  assert.equal(sum("alive"), 2 * HALF);
}

test("100 of 100 open connections live: primary cluster failed and returned, then a plug pulled, and another", {
  skip,
}, async () => {
  const first = await makeCalm(world);
  await world.clusters.primary.fail();
  await fallbackServes(first);
  const probes = await openConnections();
  await world.clusters.primary.start();
  await makeWell(world);
  await allCovered(first);
  const second = otherNode(first);
  console.log(`seen: ${await pinsIn(second)} pins on the passive node`);
  await world.cables.pull(first);
  await waitActive(world, second);
  await pause(1500);
  // Silent connections have no entry on the second node: only its pins know of them.
  assert.ok((await pinsIn(second)) >= 2 * HALF);
  await world.cables.heal();
  await makeCalm(world);
  // The silent ones are not in the second node's connection table.
  await allCovered(second, HALF);
  await world.cables.pull(second);
  await waitActive(world, first);
  await pause(1500);
  // Connections that wait for their server are woken by a newcomer, which has to come to that server.
  await world.clusters.primary.fail();
  await fallbackServes(first);
  await allLive("after two failovers", probes);
  await world.clusters.primary.start();
});

test("100 of 100 open connections live: a drained server's, through Make Active", {
  skip,
}, async () => {
  const first = await makeWell(world);
  const probes = await openConnections();
  const { code, stdout, stderr } = await world.cli("lb1", ["drain", "VNA/PrimaryCluster"]);
  assert.equal(code, 0, `${stdout}${stderr}`);
  await fallbackServes(first);
  await allCovered(first);
  const next = otherNode(first);
  const order = ["make-active", next === "lb1" ? "primary" : "secondary"];
  assert.equal((await world.cli(first, order)).code, 0);
  await waitActive(world, next);
  await pause(1000);
  assert.equal((await world.cli("lb1", ["online", "VNA/PrimaryCluster"])).code, 0);
  await makeWell(world);
  await allLive("drained, handed over", probes);
});

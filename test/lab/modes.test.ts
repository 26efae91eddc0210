// modes.test.ts — a whole pair: a drain that ends in a halt, and a halt that ends by itself, with open connections (F4, A11).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  APPLIANCES,
  type ApplianceName,
  otherNode,
  type PairView,
  type Probe,
  VIP,
  type World,
  waitForPair,
} from "@lbpair/lab";
import { createReadyPair, makeWell, pause, recentEvents, skip, waitActive } from "./ready-pair.js";

const STREAM_PORT = 12950;
/** Without the twentieth, which waits for a newcomer to its server: a drained server has none. */
const OPEN = 19;
const WAIT_MS_MAX = 60_000;
const NAME = "VNA/PrimaryCluster";

let world: World;
before(async () => {
  if (skip === false) world = await createReadyPair();
});
after(() => world?.destroy());

const serverOf = (pair: PairView, node: ApplianceName) =>
  pair[node].forwarder?.services
    .flatMap(({ servers }) => servers)
    .find((server) => server.id === NAME);

/** Both nodes' forwarders have this mode. */
const bothHave = (mode: string) =>
  waitForPair(
    world,
    `both nodes have ${mode}`,
    (pair) => APPLIANCES.every((node) => serverOf(pair, node)?.mode === mode),
    WAIT_MS_MAX,
  );

const lbpair = async (node: ApplianceName, ...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await world.cli(node, argv);
  console.log(`seen: lbpair ${argv.join(" ")}\n${stdout}${stderr}`);
  assert.equal(code, 0);
  return stdout;
};

/** What status says of the server, in its own lines. */
const statusOf = async (node: ApplianceName): Promise<string> => {
  const lines = (await world.cli(node, ["status"])).stdout.split("\n");
  const at = lines.findIndex((line) => line.includes("PrimaryCluster"));
  const told = lines.slice(at, at + 2).join("\n");
  console.log(`seen:\n${told}`);
  return told;
};

const openConnections = (): Promise<Probe<"busy-connections">> =>
  world.probe("client", "busy-connections", {
    address: VIP,
    port: STREAM_PORT,
    connections: OPEN,
  });

test("drain, then halt when empty: open connections go on, also over Make Active, and their end is the halt", {
  skip,
}, async () => {
  const first = await makeWell(world);
  const probe = await openConnections();
  await lbpair("lb2", "drain", NAME, "--then-halt", "--by", "anna", "--reason", "new disks");
  await bothHave("drain");
  await pause(3000);
  assert.match(await statusOf(first), /19 of 19 connections still open, halted once empty/);
  const next = otherNode(first);
  await lbpair(first, "make-active", next === "lb1" ? "primary" : "secondary");
  await waitActive(world, next);
  // Silent connections are in nobody's table now; a node that counted those alone would halt at once.
  await pause(5000);
  const pair = await bothHave("drain");
  assert.equal(serverOf(pair, next)?.operator?.by, "anna");
  const { alive, total } = await probe.stop();
  console.log(`seen: ${alive} of ${total} lived through it`);
  if (alive !== total) console.log(await recentEvents(world));
  assert.equal(alive, total);
  await bothHave("halt");
  assert.match(await statusOf(next), /by anna.*"new disks"/);
  await lbpair("lb1", "online", "VNA");
  await makeWell(world);
});

test("drain, then halt after a time at the latest: connections that stay are cut by then", {
  skip,
}, async () => {
  await makeWell(world);
  const probe = await openConnections();
  await lbpair("lb1", "drain", NAME, "--within", "6s", "--for", "20s");
  await bothHave("drain");
  const began = performance.now();
  await bothHave("halt");
  const tookMs = performance.now() - began;
  console.log(`seen: halted after ${Math.round(tookMs)} ms`);
  await pause(1500);
  const { alive, total } = await probe.stop();
  console.log(`seen: ${alive} of ${total} connections left`);
  assert.equal(total, OPEN);
  assert.equal(alive, 0);
  // And the whole of it ends by itself.
  await bothHave("online");
  await makeWell(world);
});

// forwarder-passages.test.ts — hairpin, one arm, outbound traffic (F6), and what may pass between the arms (F13).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, startClient, startServer } from "./forwarder-clients.js";
import { ForwarderPair } from "./forwarder-pair.js";
import {
  CLIENT,
  createWorld,
  FALLBACK,
  GATEWAY,
  inside,
  notHere,
  PRIMARY,
  pause,
  tryInside,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const [CLUSTER, ONE_ARM, FAR, ROUTED, OTHER] = [12000, 12001, 7000, 5000, 5001] as const;

let world: World;
let pair: ForwarderPair;
let client: Client;
/** Real servers that begin something themselves. */
let primary: Client;
let fallback: Client;

const services = (passages: string, sourceNat = true) =>
  [
    `floatingIps: [ { label: gateway, address: ${GATEWAY} } ]`,
    passages,
    "virtualServices:",
    "  - label: cluster",
    `    address: ${VIP}`,
    `    ports: [${CLUSTER}]`,
    `    realServers: [ { label: s1, address: ${PRIMARY} } ]`,
    '    check: { type: "on" }',
    "  - label: one-arm",
    `    address: ${VIP}`,
    `    ports: [${ONE_ARM}]`,
    `    sourceNat: ${sourceNat}`,
    `    realServers: [ { label: s1, address: ${CLIENT} } ]`,
    '    check: { type: "on" }',
    "",
  ].join("\n");

const OUTBOUND = `outbound: [ { label: servers, from: 192.168.100.0/24, as: ${VIP} } ]`;
const PERMITTED = [
  "routed:",
  `  - { label: admin, from: 192.168.200.0/24, to: ${PRIMARY}/32, protocol: tcp, ports: [${ROUTED}] }`,
  `  - { label: ping, from: 192.168.200.0/24, to: ${PRIMARY}/32, protocol: icmp }`,
].join("\n");

/** How an attempt ends: `open`, or the error's code. */
async function attempt(from: Client, to: string, port: number): Promise<string> {
  const id = from.dial("i", to, port);
  return until(`an answer from ${to}:${port}`, async () => {
    const report = (await from.report()).get(id);
    const state = report?.state ?? "connecting";
    if (state === "connecting" || (state === "open" && report?.greeting === null)) return undefined;
    return state;
  });
}

const seenAs = async (from: Client, id = ""): Promise<string | undefined> =>
  (await from.report()).get(id)?.greeting?.clientAddress;

async function talksOn(what: string, from: Client, ids: readonly string[]): Promise<void> {
  await pair.switchNodes();
  const earlier = await from.report();
  await pause(500);
  const now = await from.report();
  const alive = ids.filter((id) => (now.get(id)?.received ?? 0) > (earlier.get(id)?.received ?? 0));
  console.log(`seen: ${what}: ${alive.length} of ${ids.length} alive on the other node`);
  assert.equal(alive.length, ids.length);
}

const rejected = async (): Promise<number> => {
  const { stdout } = await inside(pair.active, "nft", "list", "counter", "ip", "lbpair", "foreign");
  return Number(/packets (\d+)/.exec(stdout)?.[1]);
};

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  pair = new ForwarderPair(world);
  await pair.begin(services(""));
  await startServer(world, "primary", [CLUSTER, ROUTED, OTHER]);
  await startServer(world, "client", [ONE_ARM, FAR]);
  client = startClient(world);
  primary = startClient(world, "primary");
  fallback = startClient(world, "fallback");
  // The client reaches the servers' network by a floating IP, whichever node is active.
  await inside("client", "ip", "route", "replace", "192.168.100.0/24", "via", VIP);
});
after(async () => {
  await pair?.close();
  await world?.close();
});

test("F6: a real server calls the service that it serves itself; the call outlives a failover", {
  skip,
}, async () => {
  const ids = await primary.open("t", VIP, new Array<number>(20).fill(CLUSTER));
  const neighbour = await fallback.open("t", VIP, [CLUSTER]);
  assert.equal(await seenAs(primary, ids[0]), VIP, "or its answer would not pass the node");
  assert.equal(await seenAs(fallback, neighbour[0]), VIP);
  const far = await client.open("t", VIP, [CLUSTER]);
  assert.equal(await seenAs(client, far[0]), CLIENT, "F1: others are seen as they are");
  await talksOn("hairpin", primary, ids);
});

test("F6: one arm: with source NAT a server answers whom it has no way to; without it cannot", {
  skip,
}, async () => {
  // The server in the front network knows no way to the client's network but the service's address.
  await inside("client", "ip", "route", "replace", "blackhole", "192.168.100.0/24");
  const ids = await primary.open("t", VIP, new Array<number>(20).fill(ONE_ARM));
  assert.equal(await seenAs(primary, ids[0]), VIP);
  await talksOn("one arm", primary, ids);
  await pair.configure(services("", false));
  const id = primary.dial("i", VIP, ONE_ARM);
  await pause(1500);
  assert.equal((await primary.report()).get(id)?.state, "connecting");
  await inside("client", "ip", "route", "replace", "192.168.100.0/24", "via", VIP);
});

test("F13: what nothing permits is rejected at once between the arms, both ways, and counted", {
  skip,
}, async () => {
  await pair.configure(services(""));
  const before = await rejected();
  assert.equal(await attempt(client, PRIMARY, ROUTED), "EHOSTUNREACH");
  assert.equal(await attempt(primary, CLIENT, FAR), "EHOSTUNREACH");
  assert.notEqual((await tryInside("client", "ping", "-c1", "-W1", PRIMARY)).code, 0);
  const counted = (await rejected()) - before;
  console.log(`seen: ${counted} packets rejected and counted`);
  assert.ok(counted >= 3);
});

test("F6: servers' own traffic leaves as the floating IP, and outlives a failover", {
  skip,
}, async () => {
  await pair.configure(services(OUTBOUND));
  const ids = await primary.open("t", CLIENT, new Array<number>(20).fill(FAR));
  assert.equal(await seenAs(primary, ids[0]), VIP);
  assert.equal((await tryInside("primary", "ping", "-c1", "-W1", CLIENT)).code, 0);
  assert.equal(await attempt(client, PRIMARY, ROUTED), "EHOSTUNREACH", "nobody gets in by it");
  await talksOn("outbound", primary, ids);
});

test("F13: routed permits exactly what it says, unchanged, and outlives a failover whoever talks", {
  skip,
}, async () => {
  await pair.configure(services(PERMITTED));
  const ids = [
    ...(await client.open("t", PRIMARY, new Array<number>(10).fill(ROUTED))),
    ...(await client.open("r", PRIMARY, new Array<number>(10).fill(ROUTED))),
  ];
  assert.equal(await seenAs(client, ids[0]), CLIENT);
  assert.equal((await tryInside("client", "ping", "-c1", "-W1", PRIMARY)).code, 0);
  assert.equal(await attempt(client, PRIMARY, OTHER), "EHOSTUNREACH");
  assert.equal(await attempt(client, FALLBACK, ROUTED), "EHOSTUNREACH");
  assert.equal(
    await attempt(primary, CLIENT, FAR),
    "EHOSTUNREACH",
    "the other way is not permitted",
  );
  await talksOn("routed", client, ids);
});

// forwarder-limits.test.ts — minimum and maximum connections of a real server (F2).
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
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const THIRD = "192.168.100.111";
const MOST = 12;
const LEAST = 8;
const [TWO, ALONE, WITH_FALLBACK] = [12000, 12001, 12002] as const;

let world: World;
let pair: ForwarderPair;
let client: Client;

const services = [
  `floatingIps: [ { label: gateway, address: ${GATEWAY} } ]`,
  "virtualServices:",
  "  - label: two",
  `    address: ${VIP}`,
  `    ports: [${TWO}]`,
  "    realServers:",
  `      - { label: small, address: ${PRIMARY}, maxConnections: ${MOST}, minConnections: ${LEAST} }`,
  `      - { label: large, address: ${THIRD} }`,
  '    check: { type: "on" }',
  ...[
    ["alone", ALONE, ""],
    ["with-fallback", WITH_FALLBACK, `    fallback: { address: ${FALLBACK} }`],
  ].flatMap(([label, port, fallback]) => [
    `  - label: ${label}`,
    `    address: ${VIP}`,
    `    ports: [${port}]`,
    `    realServers: [ { label: small, address: ${PRIMARY}, maxConnections: 5 } ]`,
    `${fallback}`,
    '    check: { type: "on" }',
  ]),
  "",
].join("\n");

/** Connections that a server's own kernel holds. */
async function held(address: string, port: number): Promise<number> {
  const host = address === FALLBACK ? "fallback" : "primary";
  const filter = ["state", "established", "src", `${address}:${port}`];
  const { stdout } = await inside(host, "ss", "-Htn", ...filter);
  return stdout.split("\n").filter((line) => line !== "").length;
}

const statusOf = async (service: string, server: string) => {
  const { services: all } = await world[pair.active].status();
  const found = all.find((each) => each.label === service)?.servers;
  const one = found?.find((each) => each.label === server);
  assert.ok(one !== undefined);
  return one;
};

const isFull = (service: string, is: boolean) =>
  until(`${service}/small is ${is ? "full" : "not full"}`, async () => {
    if ((await statusOf(service, "small")).full !== is) return false;
    // The kernel is changed right after.
    const { stdout } = await inside(pair.active, "nft", "list", "set", "ip", "lbpair", "full");
    return is || !stdout.includes("elements");
  });

/** Ids of the client's connections that one of the servers has, by the client's port. */
async function idsAt(address: string, port: number, ids: readonly string[]): Promise<string[]> {
  const filter = ["state", "established", "src", `${address}:${port}`];
  const { stdout } = await inside("primary", "ss", "-Htn", ...filter);
  const reports = await client.report();
  return ids.filter((id) =>
    new RegExp(`${CLIENT}\\]?:${reports.get(id)?.greeting?.clientPort}\\s`).test(stdout),
  );
}

const open = (port: number, count: number) =>
  client.open("t", VIP, new Array<number>(count).fill(port));

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await inside("primary", "ip", "addr", "add", `${THIRD}/24`, "dev", "eth0");
  pair = new ForwarderPair(world);
  await pair.begin(services);
  await startServer(world, "primary", [TWO, ALONE, WITH_FALLBACK]);
  await startServer(world, "fallback", [WITH_FALLBACK]);
  client = startClient(world);
});
after(async () => {
  await pair?.close();
  await world?.close();
});

let ids: string[] = [];

test("F2: of a burst a server gets its maximum and not one more; the others find another server", {
  skip,
}, async () => {
  const began = Date.now();
  ids = await open(TWO, 80);
  const took = Date.now() - began;
  const [small, large] = [await held(PRIMARY, TWO), await held(THIRD, TWO)];
  console.log(`seen: ${small} and ${large} of 80, all greeted after ${took} ms`);
  assert.deepEqual([small, large], [MOST, 80 - MOST]);
  await isFull("two", true);
});

test("F2: a full server gets nothing new before it is back at its minimum", { skip }, async () => {
  const mine = await idsAt(PRIMARY, TWO, ids);
  assert.equal(mine.length, MOST);
  client.order({ do: "end", ids: mine.slice(0, MOST - LEAST - 1) });
  await until("they have ended", async () => (await held(PRIMARY, TWO)) === LEAST + 1);
  await pause(2500);
  const more = await open(TWO, 30);
  assert.equal(await held(PRIMARY, TWO), LEAST + 1, "one above the minimum");
  assert.equal((await statusOf("two", "small")).full, true);
  client.order({ do: "end", ids: mine.slice(MOST - LEAST - 1, MOST - LEAST) });
  await isFull("two", false);
  const again = await open(TWO, 30);
  const now = await held(PRIMARY, TWO);
  console.log(`seen: at ${LEAST + 1} nothing new, from ${LEAST} up to ${now}`);
  assert.ok(now > LEAST && now <= MOST);
  ids = [...ids, ...more, ...again].filter((id) => !mine.slice(0, MOST - LEAST).includes(id));
});

test("F2: while every server is full connections are refused, or the fallback server answers", {
  skip,
}, async () => {
  await open(ALONE, 5);
  await open(WITH_FALLBACK, 5);
  await isFull("alone", true);
  await isFull("with-fallback", true);
  const id = client.dial("i", VIP, ALONE);
  const state = await until("it was answered", async () => {
    const now = (await client.report()).get(id)?.state;
    return now === "connecting" ? undefined : now;
  });
  await open(WITH_FALLBACK, 3);
  console.log(`seen: ${state}; fallback has ${await held(FALLBACK, WITH_FALLBACK)}`);
  assert.equal(state, "ECONNREFUSED");
  assert.equal(await held(PRIMARY, ALONE), 5);
  assert.deepEqual(
    [await held(PRIMARY, WITH_FALLBACK), await held(FALLBACK, WITH_FALLBACK)],
    [5, 3],
  );
});

test("F2, F10: no packet of an open connection is refused by a limit, also on the other node", {
  skip,
}, async () => {
  await until("status counts every connection as covered", async () => {
    const { services: all } = await world[pair.active].status();
    const coverage = all.find((each) => each.label === "two")?.coverage;
    return coverage !== undefined && coverage.open > 0 && coverage.covered === coverage.open;
  });
  await pair.switchNodes();
  const earlier = await client.report();
  await pause(500);
  const now = await client.report();
  const alive = ids.filter((id) => (now.get(id)?.received ?? 0) > (earlier.get(id)?.received ?? 0));
  console.log(`seen: ${alive.length} of ${ids.length} alive on the other node`);
  assert.equal(alive.length, ids.length);
  const before = await held(PRIMARY, TWO);
  await open(TWO, 60);
  const after = await held(PRIMARY, TWO);
  console.log(`seen: the server had ${before}, and after 60 new ones ${after}`);
  assert.ok(after <= MOST, "connections that were taken over count");
});

test("F2: the kernel holds the maximum while no daemon lives", { skip }, async () => {
  const node = world[pair.active];
  client.order({ do: "end", ids: [...(await client.report()).keys()] });
  await until("all have ended", async () => (await held(PRIMARY, TWO)) === 0);
  await isFull("two", false);
  await isFull("alone", false);
  await node.end("SIGKILL");
  for (let count = 0; count < 80; count += 1) client.dial("i", VIP, TWO);
  await pause(3500);
  const [small, large] = [await held(PRIMARY, TWO), await held(THIRD, TWO)];
  console.log(`seen: without a daemon ${small} and ${large} of 80`);
  assert.equal(small, MOST);
  await node.start();
  await node.ask("POST /condition", { condition: "active", peerAlive: true });
  await until(
    "the others find the server that has room",
    async () => {
      return (await held(PRIMARY, TWO)) + (await held(THIRD, TWO)) === 80;
    },
    20_000,
  );
  assert.equal(await held(PRIMARY, TWO), MOST);
});

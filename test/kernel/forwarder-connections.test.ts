// forwarder-connections.test.ts — F8: open connections listed, counted and cut: of a client, a server, a port, and no others.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ConnectionsAnswer, RefusalError } from "@lbpair/common";
import { type Client, startClient, startServer } from "./forwarder-clients.js";
import {
  CLIENT,
  createWorld,
  inside,
  notHere,
  pause,
  referenceServices,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
/** Another client of the same network. */
const OTHER = "192.168.200.200";
let world: World;
let clients: readonly [Client, Client];

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await world.a.write(referenceServices({ fallback: "" }));
  await world.a.start();
  await world.a.ask("POST /condition", { condition: "active", peerAlive: false });
  await startServer(world, "primary", [12000, 12100]);
  await inside("b", "ip", "addr", "add", `${OTHER}/24`, "dev", "eth1");
  await inside("b", "ip", "route", "add", `${VIP}/32`, "dev", "eth1", "src", OTHER);
  clients = [startClient(world), startClient(world, "b")];
});
after(() => world?.close());

const list = async (filter: object = {}): Promise<ConnectionsAnswer> =>
  (await world.a.ask("POST /connections", filter)) as ConnectionsAnswer;

/** How many of each client's connections are open. */
async function openOf(ids: readonly (readonly string[])[]): Promise<number[]> {
  const reports = await Promise.all(clients.map((client) => client.report()));
  return ids.map((some, i) => some.filter((id) => reports[i]?.get(id)?.state === "open").length);
}

test("F8: connections are counted by server and client and told one by one; what is cut ends, and nothing else", {
  skip,
}, async () => {
  const ids = [
    await clients[0].open("t", VIP, [12000, 12000, 12000, 12100]),
    await clients[1].open("i", VIP, [12000, 12100, 12100]),
  ];
  await until("all are counted", async () => (await list()).total === 7);
  const all = await list({ limit: 3 });
  console.log("seen:", JSON.stringify({ ...all, connections: all.connections.slice(0, 1) }));
  assert.deepEqual(all.servers, [{ id: "VNA/PrimaryCluster", open: 7 }]);
  assert.deepEqual(all.clients, [
    { address: CLIENT, open: 4 },
    { address: OTHER, open: 3 },
  ]);
  assert.equal(all.connections.length, 3);
  assert.equal((await list({ client: OTHER, port: 12100 })).total, 2);
  assert.equal((await list({ service: "VNB" })).total, 0);

  await world.a.ask("POST /connections/cut", { client: OTHER, port: 12100 });
  await pause(1000);
  console.log("seen: open after cutting one client's port:", await openOf(ids));
  assert.deepEqual(await openOf(ids), [4, 1]);
  await world.a.ask("POST /connections/cut", { client: OTHER });
  await pause(1000);
  assert.deepEqual(await openOf(ids), [4, 0]);
  // A cut client may come again at once.
  await clients[1].open("t", VIP, [12100]);
  await world.a.ask("POST /connections/cut", { service: "VNA", server: "PrimaryCluster" });
  await pause(1000);
  console.log("seen: open after cutting the server's:", await openOf(ids));
  assert.deepEqual(await openOf(ids), [0, 0]);
});

test("F8: an order that names nothing cuts nothing, and the table's size and use are told", {
  skip,
}, async () => {
  await assert.rejects(world.a.ask("POST /connections/cut", {}), RefusalError);
  await assert.rejects(world.a.ask("POST /connections", { client: "nobody" }), /malformed/);
  const table = await until(
    "the table is looked at",
    async () => (await world.a.status()).connectionTable,
  );
  console.log("seen:", JSON.stringify(table));
  assert.ok(table.max > 0);
});

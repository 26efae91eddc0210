// forwarder-schedulers.test.ts — every scheduler deals connections as it says (F5).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, startClient, startServer } from "./forwarder-clients.js";
import {
  CLIENT,
  createWorld,
  FALLBACK,
  GATEWAY,
  inside,
  notHere,
  PRIMARY,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const THIRD = "192.168.100.111";

let world: World;
let client: Client;

const PORTS: Readonly<Record<string, number>> = {
  "weighted-hash": 12200,
  "source-hash": 12201,
  "weighted-round-robin": 12202,
  "weighted-least-connections": 12203,
};

const services = (): string =>
  [
    `floatingIps: [ { label: gateway, address: ${GATEWAY} } ]`,
    "virtualServices:",
    ...Object.entries(PORTS).flatMap(([scheduler, port]) => [
      `  - label: ${scheduler}`,
      `    address: ${VIP}`,
      `    ports: [${port}]`,
      `    scheduler: ${scheduler}`,
      "    realServers:",
      `      - { label: s1, address: ${PRIMARY}, weight: 100 }`,
      `      - { label: s2, address: ${FALLBACK}, weight: 100 }`,
      `      - { label: s3, address: ${THIRD}, weight: 200 }`,
      '    check: { type: "on" }',
    ]),
    "",
  ].join("\n");

async function openOn(scheduler: string): Promise<Readonly<Record<string, number>>> {
  const status = await world.a.status();
  const found = status.services.find((service) => service.label === scheduler);
  const entries = found?.servers.map((server) => [server.label, server.openConnections]) ?? [];
  return Object.fromEntries(entries) as Record<string, number>;
}

/** Counts per server once they add up. */
const settled = (scheduler: string, total: number) =>
  until(`${scheduler} has ${total} open connections`, async () => {
    const counts = await openOn(scheduler);
    const sum = Object.values(counts).reduce((a, b) => a + b, 0);
    return sum === total ? counts : undefined;
  });

const open = (scheduler: string, count: number) =>
  client.open("i", VIP, new Array<number>(count).fill(PORTS[scheduler] ?? 0));

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await inside("primary", "ip", "addr", "add", `${THIRD}/24`, "dev", "eth0");
  await world.a.write(services());
  await world.a.start();
  await world.a.ask("POST /condition", { condition: "active", peerAlive: false });
  await startServer(world, "primary", Object.values(PORTS));
  await startServer(world, "fallback", Object.values(PORTS));
  client = startClient(world);
});
after(() => world?.close());

test("in turns, a round of connections is dealt exactly by weight", { skip }, async () => {
  await open("weighted-round-robin", 61);
  const counts = await settled("weighted-round-robin", 61);
  console.log("seen:", counts);
  assert.deepEqual(counts, { s1: 15, s2: 15, s3: 31 });
});

test("by source, all connections of a client reach one server", {
  skip,
}, async () => {
  await open("source-hash", 20);
  const counts = await settled("source-hash", 20);
  console.log("seen:", CLIENT, counts);
  assert.deepEqual(Object.values(counts).sort(), [0, 0, 20]);
});

test("the server that the hash of the flow names is the one the program reckons", {
  skip,
}, async () => {
  await open("weighted-hash", 60);
  const counts = await settled("weighted-hash", 60);
  const { services: all } = await world.a.status();
  const coverage = all.find((service) => service.label === "weighted-hash")?.coverage;
  console.log("seen:", counts, coverage?.covered, "of", coverage?.open);
  assert.equal(coverage?.covered, 60);
  assert.equal(coverage?.open, 60);
});

test("least connections: who lost its connections gets the next ones", { skip }, async () => {
  const scheduler = "weighted-least-connections";
  const ids = await open(scheduler, 61);
  const was = await settled(scheduler, 61);
  const reports = await client.report();
  const ofS2 = ids.filter((id) => reports.get(id)?.greeting?.server === "fallback");
  const slots = async () => {
    const { stdout } = await inside("a", "nft", "list", "map", "ip", "lbpair", "slots61");
    return stdout;
  };
  // They may lean before all ends have been counted.
  const before = await slots();
  client.order({ do: "end", ids: ofS2 });
  await settled(scheduler, 61 - ofS2.length);
  await until("the turns lean", async () => (await slots()) !== before, 15_000);
  await open(scheduler, 20);
  const now = await settled(scheduler, 61 - ofS2.length + 20);
  console.log("seen:", was, "then, without the second server's,", now);
  assert.ok((now.s2 ?? 0) >= 12, "most of the twenty");
});

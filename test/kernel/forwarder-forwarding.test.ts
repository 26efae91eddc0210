// forwarder-forwarding.test.ts — the constant rules on a real kernel: what passes, what does not.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, startClient, startServer } from "./forwarder-clients.js";
import {
  CLIENT,
  createWorld,
  FALLBACK,
  GATEWAY,
  inside,
  nftInside,
  notHere,
  PORTS,
  PRIMARY,
  referenceServices,
  tryInside,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
let world: World;
let client: Client;

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await world.a.write(referenceServices());
  await world.a.start();
  await startServer(world, "primary", [...PORTS, 13000, 22]);
  await startServer(world, "fallback", [...PORTS, 13000]);
  client = startClient(world);
});
after(() => world?.close());

const use = async (extra: Readonly<Record<string, string>>): Promise<void> => {
  await world.a.write(referenceServices(extra));
  await world.a.ask("POST /reload");
};

const OFF = { check: '{ type: "off" }' };

const greetings = async (ids: readonly string[]) => {
  const reports = await client.report();
  return ids.map((id) => reports.get(id)?.greeting);
};

test("all seven ports reach the real server, which sees the client's own address", {
  skip,
}, async () => {
  await use({});
  const seen = await greetings(await client.open("t", VIP, PORTS));
  for (const [index, greeting] of seen.entries()) {
    assert.equal(greeting?.server, "primary");
    assert.equal(greeting?.clientAddress, CLIENT);
    assert.equal(greeting?.port, PORTS[index]);
  }
  const service = await until("the connections are counted", async () => {
    const [now] = (await world.a.status()).services;
    return now?.connections === 7 ? now : undefined;
  });
  console.log("seen:", seen.length, "greetings; counted connections:", service?.connections);
  assert.equal(service?.connections, 7);
  assert.equal(service?.servers[0]?.connections, 7);
  assert.ok((service?.servers[0]?.packets ?? 0) > 14);
  assert.equal(service?.servers[0]?.openConnections, 7);
  assert.deepEqual(
    { open: service?.coverage.open, covered: service?.coverage.covered },
    { open: 7, covered: 7 },
  );
});

test("a fallback server with port 0 serves every port, one with a port of its own serves there", {
  skip,
}, async () => {
  await use(OFF);
  const same = await greetings(await client.open("t", VIP, [12000, 12950]));
  assert.deepEqual(
    same.map((g) => [g?.server, g?.port]),
    [
      ["fallback", 12000],
      ["fallback", 12950],
    ],
  );
  await use({ ...OFF, ports: "[12000]", fallback: `{ address: ${FALLBACK}, port: 13000 }` });
  const other = await greetings(await client.open("t", VIP, [12000]));
  assert.deepEqual(
    other.map((g) => [g?.server, g?.port, g?.clientAddress]),
    [["fallback", 13000, CLIENT]],
  );
});

test("a service without any server refuses at once", { skip }, async () => {
  await use({ ...OFF, fallback: "" });
  const id = client.dial("t", VIP, 12000);
  const report = await until(
    "the refusal",
    async () => {
      const now = (await client.report()).get(id);
      return now?.state === "connecting" ? undefined : now;
    },
    900,
  );
  console.log("seen:", report?.state);
  assert.equal(report?.state, "ECONNREFUSED");
});

test("floating IPs answer ping and nothing else of the appliance", { skip }, async () => {
  await use({});
  world.spawn("a", [process.execPath, "-e", "require('net').createServer().listen(2222)"]);
  const reach = async (address: string): Promise<boolean> => {
    const line = `require('net').connect(2222,'${address}').on('connect',()=>process.exit(0)).on('error',()=>process.exit(1));setTimeout(()=>process.exit(1),600)`;
    return (await tryInside("client", process.execPath, "-e", line)).code === 0;
  };
  await until("the node's own address answers", () => reach("192.168.200.1"));
  assert.equal(await reach(VIP), false);
  assert.equal(await reach(GATEWAY), false);
  await inside("client", "ping", "-c1", "-W1", VIP);
  await inside("primary", "ping", "-c1", "-W1", GATEWAY);
});

test("what is no service is rejected between the arms, and counted", { skip }, async () => {
  await use({});
  const ids = [client.dial("t", PRIMARY, 22), client.dial("t", PRIMARY, 12000)];
  const reports = await until(
    "both refused",
    async () => {
      const now = await client.report();
      const both = ids.map((id) => now.get(id)?.state);
      return both.includes("connecting") ? undefined : both;
    },
    2000,
  );
  console.log("seen:", reports);
  assert.ok(
    reports.every((state) => state === "EHOSTUNREACH"),
    String(reports),
  );
  const { stdout } = await inside("a", "nft", "list", "counter", "ip", "lbpair", "foreign");
  assert.match(stdout, /packets [1-9]/);
});

test("other programs' tables stay as they are", { skip }, async () => {
  const foreign =
    "table inet mine {\n chain c {\n  type filter hook forward priority 10; policy accept;\n  counter\n }\n}\n";
  await nftInside("a", foreign);
  const list = async () => (await inside("a", "nft", "-s", "list", "table", "inet", "mine")).stdout;
  const before = await list();
  await use({ ports: "[12000]" });
  await use({});
  await inside("a", "nft", "delete", "table", "ip", "lbpair");
  await until("the table is back", async () => (await world.a.status()).table.repairs > 0);
  assert.equal(await list(), before);
});

// forwarder-ranges.test.ts — services on wide ranges and on all ports, TCP and UDP (F1), through a take over (F10).
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { type Client, startClient, startServer } from "./forwarder-clients.js";
import { ForwarderPair } from "./forwarder-pair.js";
import {
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
/** Ends of the range, and some in the middle. */
const TCP = [1, 80, 20_000, 40_000, 65_535] as const;
const UDP = [1, 5060, 65_535] as const;

let world: World;
let pair: ForwarderPair;
let client: Client;

const services = [
  `floatingIps: [ { label: gateway, address: ${GATEWAY} } ]`,
  "virtualServices:",
  "  - label: all",
  `    address: ${VIP}`,
  '    ports: ["1-65535"]',
  "    protocol: both",
  "    realServers:",
  `      - { label: s1, address: ${PRIMARY} }`,
  `      - { label: s2, address: ${FALLBACK} }`,
  '    check: { type: "on" }',
  "",
].join("\n");

const UDP_SERVER = `
  const [name, ...ports] = process.argv.slice(1);
  for (const port of ports) {
    const socket = require("dgram").createSocket("udp4");
    socket.on("message", (data, from) => socket.send(name, from.port, from.address));
    socket.bind(Number(port));
  }`;

/** Sends every 10 ms to one port and prints who answered, and from which address and port. */
const UDP_CLIENT = `
  const socket = require("dgram").createSocket("udp4");
  socket.on("error", () => {});
  socket.on("message", (data, from) => console.log(data + " " + from.address + ":" + from.port));
  setInterval(() => socket.send("x", Number(process.argv[1]), "${VIP}"), 10);`;

function talk(port: number): string[] {
  const child = world.spawn("client", [process.execPath, "-e", UDP_CLIENT, `${port}`]);
  const heard: string[] = [];
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on("line", (l) => heard.push(l));
  return heard;
}

const setMode = (mode: string) =>
  pair.setModes(
    mode === "online"
      ? "modes: []\n"
      : `serial: 1\nmodes: [ { service: all, server: s1, mode: ${mode} } ]\n`,
  );

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  pair = new ForwarderPair(world);
  await pair.begin(services);
  for (const host of ["primary", "fallback"] as const) {
    await startServer(world, host, TCP);
    world.spawn(host, [process.execPath, "-e", UDP_SERVER, host, ...UDP.map(String)]);
    await until(`${host} listens`, async () =>
      (await inside(host, "ss", "-Hlun")).stdout.includes(`:${UDP[2]}`),
    );
  }
  client = startClient(world);
});
after(async () => {
  await pair?.close();
  await world?.close();
});

let flows: readonly string[][] = [];
let ids: string[] = [];

test("F1: every port of the range reaches a server on the same port, TCP and UDP", {
  skip,
}, async () => {
  ids = await client.open("t", VIP, [...TCP, ...TCP, ...TCP, ...TCP]);
  const reports = await client.report();
  const ports = ids.map((id) => reports.get(id)?.greeting?.port);
  assert.deepEqual(ports, [...TCP, ...TCP, ...TCP, ...TCP]);
  flows = UDP.map((port) => talk(port));
  for (const [i, heard] of flows.entries()) {
    await until(`port ${UDP[i]} answers`, () => heard.at(-1)?.endsWith(` ${VIP}:${UDP[i]}`));
  }
  const clients = new Set(ids.map((id) => reports.get(id)?.greeting?.clientAddress));
  assert.deepEqual([...clients], ["192.168.200.50"]);
});

test("F8: connections, packets and bytes of a range are counted, open ones found", {
  skip,
}, async () => {
  const seen = await until("status has counted them", async () => {
    const { services: all } = await world[pair.active].status();
    const [one] = all;
    return one !== undefined && one.connections >= 23 && one.packets > 50 ? one : undefined;
  });
  const open = seen.servers.map((server) => server.openConnections);
  console.log(`seen: ${seen.connections} connections, ${seen.packets} packets, open ${open}`);
  assert.equal(
    open.reduce((a, b) => a + b, 0),
    23,
  );
  assert.equal(seen.coverage.covered, 23);
});

test("F4: a halt cuts the range's connections, and UDP clients follow to the other server", {
  skip,
}, async () => {
  const reports = await client.report();
  const ofPrimary = ids.filter((id) => reports.get(id)?.greeting?.server === "primary");
  assert.ok(ofPrimary.length > 0);
  await setMode("halt");
  await until("its connections are reset", async () => {
    const now = await client.report();
    return ofPrimary.every((id) => now.get(id)?.state === "ECONNRESET");
  });
  await until("every UDP client is answered by the other", () =>
    flows.every((heard) => heard.at(-1)?.startsWith("fallback ")),
  );
  await setMode("online");
  ids = ids.filter((id) => !ofPrimary.includes(id));
});

test("F10: open connections and UDP flows go on when the other node takes over", {
  skip,
}, async () => {
  ids.push(...(await client.open("r", VIP, [...TCP])));
  await until("every TCP connection is covered", async () => {
    const { services: all } = await world[pair.active].status();
    const coverage = all[0]?.coverage;
    // A UDP flow stays where the halt has sent it, and is free to go elsewhere with the next node.
    return coverage !== undefined && coverage.open - coverage.covered <= UDP.length;
  });
  await pair.switchNodes();
  const earlier = await client.report();
  const heardBefore = flows.map((heard) => heard.length);
  await pause(500);
  const now = await client.report();
  const alive = ids.filter((id) => (now.get(id)?.received ?? 0) > (earlier.get(id)?.received ?? 0));
  console.log(`seen: ${alive.length} of ${ids.length} alive`);
  assert.equal(alive.length, ids.length);
  for (const [i, heard] of flows.entries()) {
    assert.ok(heard.length - (heardBefore[i] ?? 0) > 10);
    assert.deepEqual(
      new Set(heard.map((line) => line.split(" ")[1])),
      new Set([`${VIP}:${UDP[i]}`]),
    );
  }
});

test("F1: a range without a server refuses at once, on every port", { skip }, async () => {
  await pair.setModes(
    "serial: 2\nmodes:\n  - { service: all, server: s1, mode: halt }\n  - { service: all, server: s2, mode: halt }\n",
  );
  for (const port of [1, 33_333, 65_535]) {
    const id = client.dial("i", VIP, port);
    const state = await until("it was answered", async () => {
      const now = (await client.report()).get(id)?.state;
      return now === "connecting" ? undefined : now;
    });
    assert.equal(state, "ECONNREFUSED", `${port}`);
  }
});

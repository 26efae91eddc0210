// forwarder-persistence.test.ts — a client comes back to the server it had (F5), also on the other node (F10).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, startClient, startServer } from "./forwarder-clients.js";
import { ForwarderPair, other } from "./forwarder-pair.js";
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
const CLIENTS = Array.from({ length: 6 }, (_, i) => `192.168.200.${60 + i}`);
const BY_ADDRESS = [12000, 12001] as const;
const BY_NETWORK = 12100;

let world: World;
let pair: ForwarderPair;
let client: Client;

const services = [
  `floatingIps: [ { label: gateway, address: ${GATEWAY} } ]`,
  "virtualServices:",
  ...[
    ["by-address", BY_ADDRESS.join(", "), "{ timeout: 1m }"],
    ["by-network", `${BY_NETWORK}`, "{ timeout: 24h, netmask: 24 }"],
  ].flatMap(([label, ports, persistence]) => [
    `  - label: ${label}`,
    `    address: ${VIP}`,
    `    ports: [${ports}]`,
    "    scheduler: weighted-round-robin",
    `    persistence: ${persistence}`,
    "    realServers:",
    `      - { label: s1, address: ${PRIMARY} }`,
    `      - { label: s2, address: ${FALLBACK} }`,
    `      - { label: s3, address: ${THIRD} }`,
    '    check: { type: "on" }',
  ]),
  "",
].join("\n");

const nft = (...words: string[]) => inside(pair.active, "nft", ...words);
const persisted = async (node = pair.active): Promise<string> =>
  (await inside(node, "nft", "list", "map", "ip", "lbpair", "persist")).stdout;

/** Opens a connection for each of the addresses; answers with the server's own address of each. */
async function serversOf(port: number, addresses: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const address of addresses) ids.push(...(await client.open("i", VIP, [port], address)));
  const found = await serversNow(port);
  const reports = await client.report();
  return ids.map((id) => found.get(reports.get(id)?.greeting?.clientPort ?? 0) ?? "none");
}

/** By the client's port, which the connection table has with the server's address. */
async function serversNow(port: number): Promise<Map<number, string>> {
  const { stdout } = await inside(pair.active, "conntrack", "-L", "-p", "tcp");
  const line = new RegExp(`sport=(\\d+) dport=${port} src=(\\S+)`);
  return new Map(
    stdout.split("\n").flatMap((text): [number, string][] => {
      const [, from, server = ""] = line.exec(text) ?? [];
      return from === undefined ? [] : [[Number(from), server]];
    }),
  );
}

const distinct = (values: readonly string[]): number => new Set(values).size;

const drain = (...labels: readonly string[]) =>
  pair.setModes(
    labels.length === 0
      ? "modes: []\n"
      : `serial: 1\nmodes:\n${labels.map((label) => `  - { service: by-address, server: ${label}, mode: drain }`).join("\n")}\n`,
  );

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await inside("primary", "ip", "addr", "add", `${THIRD}/24`, "dev", "eth0");
  for (const address of CLIENTS) {
    await inside("client", "ip", "addr", "add", `${address}/24`, "dev", "eth0");
  }
  pair = new ForwarderPair(world);
  await pair.begin(services);
  for (const host of ["primary", "fallback"] as const) {
    await startServer(world, host, [...BY_ADDRESS, BY_NETWORK]);
  }
  client = startClient(world);
});
after(async () => {
  await pair?.close();
  await world?.close();
});

test("F5: a client keeps its server on every port of the service; clients are dealt in turns", {
  skip,
}, async () => {
  const first = await serversOf(BY_ADDRESS[0], CLIENTS);
  const again = await serversOf(BY_ADDRESS[0], [...CLIENTS, ...CLIENTS]);
  const otherPort = await serversOf(BY_ADDRESS[1], CLIENTS);
  console.log("seen:", first.join(" "));
  assert.equal(distinct(first), 3);
  assert.deepEqual(again, [...first, ...first]);
  assert.deepEqual(otherPort, first);
});

test("F5: with a netmask, all clients of one network share a server", { skip }, async () => {
  const servers = await serversOf(BY_NETWORK, [...CLIENTS, CLIENT]);
  assert.equal(distinct(servers), 1);
  assert.match(await persisted(), /192\.168\.200\.0 \. [0-9a-f:]+ timeout 1d/);
});

test("F5: what a client opens begins its time anew, and without anything it is forgotten", {
  skip,
}, async () => {
  const [address = ""] = CLIENTS;
  const expires = async () =>
    Number(
      new RegExp(`${address} \\. \\S+ timeout 1m expires (\\d+)s`).exec(await persisted())?.[1],
    );
  await pause(3000);
  const before = await expires();
  const [server] = await serversOf(BY_ADDRESS[0], [address]);
  const since = await expires();
  console.log(`seen: ${before} s left, then ${since} s`);
  assert.ok(before <= 57 && since >= 58);
  await nft("flush", "map", "ip", "lbpair", "persist");
  // Turns go on, so that of three clients one at least is dealt another server.
  const anew = await serversOf(BY_ADDRESS[0], [address, address, address]);
  assert.equal(distinct(anew), 1, `once dealt it is kept (${server})`);
});

test("F5: a client whose server drains is dealt another, and stays there when it is back", {
  skip,
}, async () => {
  const [address = ""] = CLIENTS;
  const [had] = await serversOf(BY_ADDRESS[0], [address]);
  const label = { [PRIMARY]: "s1", [FALLBACK]: "s2", [THIRD]: "s3" }[had ?? ""] ?? "";
  await drain(label);
  const moved = await serversOf(BY_ADDRESS[0], [address, address]);
  await drain();
  const stayed = await serversOf(BY_ADDRESS[0], [address]);
  console.log(`seen: ${had}, while it drains ${moved[0]}, then ${stayed[0]}`);
  assert.notEqual(moved[0], had);
  assert.deepEqual([moved[1], stayed[0]], [moved[0], moved[0]]);
});

test("F10: on the other node clients find their servers again, and open connections live", {
  skip,
}, async () => {
  const before = await serversOf(BY_ADDRESS[0], CLIENTS);
  const ids = await client.open("t", VIP, new Array<number>(30).fill(BY_ADDRESS[0]));
  await until("the other node has heard of every client", async () => {
    const there = await persisted(other(pair.active));
    return CLIENTS.every((address) => there.includes(`${address} . `));
  });
  await until("status counts every connection as covered", async () => {
    const { services } = await world[pair.active].status();
    return services.every(
      ({ coverage }) => coverage.open > 0 && coverage.covered === coverage.open,
    );
  });
  await pair.switchNodes();
  const earlier = await client.report();
  await pause(400);
  const now = await client.report();
  const alive = ids.filter((id) => (now.get(id)?.received ?? 0) > (earlier.get(id)?.received ?? 0));
  const after = await serversOf(BY_ADDRESS[0], CLIENTS);
  console.log(`seen: ${alive.length} of ${ids.length} alive, ${after.join(" ")}`);
  assert.deepEqual(after, before);
  assert.equal(alive.length, ids.length);
});

test("F12: a table that was deleted and loaded anew knows the clients again", {
  skip,
}, async () => {
  const before = await serversOf(BY_ADDRESS[0], CLIENTS);
  await pause(2500);
  await nft("delete", "table", "ip", "lbpair");
  await until("the clients are remembered again", async () => {
    const now = await persisted();
    return CLIENTS.every((address) => now.includes(`${address} . `));
  });
  assert.deepEqual(await serversOf(BY_ADDRESS[0], CLIENTS), before);
});

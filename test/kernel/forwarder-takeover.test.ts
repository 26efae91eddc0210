// forwarder-takeover.test.ts — a node with an empty connection table carries on with another's connections.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type ClosedAtServer, startClient, startServer } from "./forwarder-clients.js";
import {
  createWorld,
  FALLBACK,
  inside,
  notHere,
  PRIMARY,
  pause,
  pull,
  raise,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const EACH = 20;
let world: World;
let client: Client;
let closed: readonly (readonly ClosedAtServer[])[];

const services = [
  "floatingIps: [ { label: gateway, address: 192.168.100.254 } ]",
  "virtualServices:",
  "  - label: one-server",
  `    address: ${VIP}`,
  "    ports: [12000]",
  `    realServers: [ { label: s1, address: ${PRIMARY} } ]`,
  '    check: { type: "on" }',
  "  - label: two-servers-other-port",
  `    address: ${VIP}`,
  "    ports: [12200]",
  "    realServers:",
  `      - { label: s1, address: ${PRIMARY}, port: 13200, weight: 100 }`,
  `      - { label: s2, address: ${FALLBACK}, port: 13200, weight: 50 }`,
  '    check: { type: "on" }',
  "",
].join("\n");

const busy: string[] = [];
const idle: string[] = [];

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  for (const node of [world.a, world.b]) {
    await node.write(services);
    await node.start();
  }
  closed = [
    await startServer(world, "primary", [12000, 13200]),
    await startServer(world, "fallback", [12000, 13200]),
  ];
  client = startClient(world);
  for (const port of [12000, 12200]) {
    const ports = new Array<number>(EACH).fill(port);
    busy.push(...(await client.open("t", VIP, ports)), ...(await client.open("r", VIP, ports)));
    idle.push(...(await client.open("i", VIP, ports)));
  }
  await pause(300);
  await pull("a");
  await raise("b");
});
after(() => world?.close());

test("busy connections live on when another node takes over, whichever side talks", {
  skip,
}, async () => {
  await pause(1000);
  const before = await client.report();
  await pause(500);
  const all = await client.report();
  const alive = busy.filter(
    (id) =>
      all.get(id)?.state === "open" &&
      (all.get(id)?.received ?? 0) > (before.get(id)?.received ?? 0),
  );
  const worst = Math.max(...busy.map((id) => all.get(id)?.gapMs ?? 0));
  const { stdout } = await inside("b", "conntrack", "-L", "-p", "tcp");
  const byServer = stdout
    .split("\n")
    .filter((line) =>
      /src=192\.168\.100\.1[12]0 dst=192\.168\.200\.50 .*src=192\.168\.200\.50 dst=192\.168\.200\.100/.test(
        line,
      ),
    );
  console.log(
    `seen: ${alive.length} of ${busy.length} alive, longest silence ${worst.toFixed(0)} ms; ${byServer.length} entries begun by servers`,
  );
  assert.equal(alive.length, busy.length);
  const covered = (await world.b.status()).services.map((each) => each.coverage);
  assert.ok(
    covered.every((each) => each.open === 2 * EACH && each.covered === each.open),
    JSON.stringify(covered),
  );
});

test("both nodes pick the same server for the same client", { skip }, async () => {
  const reports = await client.report();
  const servers = new Set(
    busy.flatMap((id) => {
      const report = reports.get(id);
      return report?.greeting?.port === 13200 ? report.greeting.server : [];
    }),
  );
  console.log("seen:", [...servers].sort().join(" and "), "serve the service with two servers");
  assert.deepEqual([...servers].sort(), ["fallback", "primary"]);
});

test("a FIN and a RST as the first packet after a take over reach the server", {
  skip,
}, async () => {
  const half = idle.filter((_, index) => index % 2 === 0);
  const other = idle.filter((_, index) => index % 2 === 1);
  const count = () => closed.reduce((sum, each) => sum + each.length, 0);
  const already = count();
  client.order({ do: "end", ids: half });
  client.order({ do: "reset", ids: other });
  const ended = await until(
    "every server socket is closed",
    () => {
      const now = count() - already;
      return now === idle.length ? now : undefined;
    },
    3000,
  ).catch(() => count() - already);
  console.log(`seen: ${ended} of ${idle.length} closed at the servers`);
  assert.equal(ended, idle.length);
  const reports = await client.report();
  assert.ok(half.every((id) => reports.get(id)?.state === "ended"));
});

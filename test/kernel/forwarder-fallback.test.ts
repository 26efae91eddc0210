// forwarder-fallback.test.ts — F3: another port, several fallback servers in order, the built-in page, and the way back.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, startClient, startServer } from "./forwarder-clients.js";
import {
  CLIENT,
  createWorld,
  FALLBACK,
  inside,
  nftInside,
  notHere,
  PRIMARY,
  pause,
  referenceServices,
  tryInside,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const SECOND = "192.168.100.121";
const CHECK = "{ type: connect, interval: 300ms, timeout: 250ms, failures: 2 }";
let world: World;
let client: Client;

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await inside("fallback", "ip", "addr", "add", `${SECOND}/24`, "dev", "eth0");
  await world.a.write(referenceServices());
  await world.a.start();
  await world.a.ask("POST /condition", { condition: "active", peerAlive: false });
  await startServer(world, "primary", [12000, 12100]);
  await startServer(world, "fallback", [12000, 12100, 8080]);
  client = startClient(world);
});
after(() => world?.close());

/** The reference service with other lines, in force. */
async function use(extra: Record<string, string>, modes = ""): Promise<void> {
  await world.a.writeModes(`serial: 1\n${modes}`);
  await world.a.write(referenceServices({ ports: "[12000, 12100]", ...extra }));
  await world.a.ask("POST /reload");
}

const service = async () => {
  const [found] = (await world.a.status()).services;
  assert(found !== undefined);
  return found;
};

const servingIs = (label: string, ms = 10_000) =>
  until(
    `${label} serves`,
    async () => (await service()).servers.some((one) => one.label === label && one.serving),
    ms,
  );

/** Where a new connection is answered: server and port there. */
async function newConnection(port = 12100): Promise<{ server: string; port: number }> {
  const [id = ""] = await client.open("t", VIP, [port]);
  const greeting = (await client.report()).get(id)?.greeting;
  client.order({ do: "end", ids: [id] });
  return { server: greeting?.server ?? "", port: greeting?.port ?? 0 };
}

/** Lets a server answer no new connection, or answer again. */
const silence = (host: "primary" | "fallback", on: boolean): Promise<void> => {
  const rule = "type filter hook input priority 0;\n tcp flags & (syn | ack) == syn drop";
  const table = `table ip silent {\n chain in {\n ${rule}\n }\n}\n`;
  return nftInside(host, on ? table : "delete table ip silent\n");
};

const halted = "modes: [ { service: VNA, server: PrimaryCluster, mode: halt } ]\n";

test("F3: a fallback server answers on another port, for every port of the service", {
  skip,
}, async () => {
  await use({ fallback: `{ address: ${FALLBACK}, port: 8080 }` }, halted);
  for (const port of [12000, 12100]) {
    const seen = await newConnection(port);
    console.log(`seen: client port ${port}: ${seen.server} on port ${seen.port}`);
    assert.deepEqual(seen, { server: "fallback", port: 8080 });
  }
});

test("F3: of several fallback servers the first that is healthy answers, and the first returns to its place", {
  skip,
}, async () => {
  const list = `[ { address: 192.168.100.199, check: ${CHECK} }, { address: ${SECOND}, check: ${CHECK} }, { address: ${FALLBACK} } ]`;
  await use({ fallback: "", fallbacks: list }, halted);
  await servingIs("fallback-2");
  assert.equal((await newConnection()).server, "fallback");
  const { servers } = await service();
  console.log(
    "seen:",
    servers.map(({ id, health, serving }) => `${id} ${health} ${serving}`),
  );
  assert.deepEqual(
    servers.map(({ label, health }) => [label, health]),
    [
      ["PrimaryCluster", "healthy"],
      ["fallback", "unhealthy"],
      ["fallback-2", "healthy"],
      ["fallback-3", "unknown"],
    ],
  );
  await inside("fallback", "ip", "addr", "add", "192.168.100.199/24", "dev", "eth0");
  await servingIs("fallback");
});

test("F3: with nobody left the built-in page answers on TCP 9081, with the admin's text, and only for the service", {
  skip,
}, async () => {
  const html = "<h1>Radiology is being moved.</h1>";
  await world.a.writeModes(`serial: 1\n${halted}`);
  const text = referenceServices({ ports: "[12000, 12100]", fallback: "", fallbackPage: "true" });
  await world.a.write(`fallbackPage: { html: "${html}", status: 503, retryAfter: 1m }\n${text}`);
  await world.a.ask("POST /reload");
  await servingIs("fallback-page");
  const curl = (...argv: string[]) => tryInside("client", "curl", "-s", "-m", "3", ...argv);
  const page = await curl("-i", `http://${VIP}:12000/any/where?x=1`);
  console.log(`seen:\n${page.stdout}`);
  assert.match(page.stdout, /^HTTP\/1\.1 503 /);
  assert.match(page.stdout, /retry-after: 60\r\n/);
  assert.ok(page.stdout.endsWith(html));
  const posted = await curl("-i", "-d", "x".repeat(100_000), `http://${VIP}:12100/`);
  assert.match(posted.stdout, /HTTP\/1\.1 503 /);
  // F9: nothing of the node's own answers on a floating IP, the page's port neither.
  const direct = await curl("-i", `http://${VIP}:9081/`);
  console.log(`seen: asked directly on the floating IP: exit code ${direct.code}`);
  assert.notEqual(direct.code, 0);
  assert.equal(direct.stdout, "");
  const many = await curl(
    "--parallel",
    "--parallel-max",
    "50",
    "-o",
    "/dev/null",
    "-w",
    "%{http_code}\\n",
    `http://${VIP}:12000/[1-500]`,
  );
  const answers = many.stdout
    .trim()
    .split("\n")
    .filter((line) => line === "503");
  console.log(`seen: ${answers.length} of 500 requests answered with the page`);
  assert.equal(answers.length, 500);
  const { coverage } = await service();
  assert.equal(coverage.byRule, true);
});

test("F3: on return connections to the fallback server finish, or are cut, as is configured", {
  skip,
}, async () => {
  const fallback = `{ address: ${FALLBACK} }`;
  for (const [onReturn, want] of [
    ["finish", "open"],
    ["cut", "ECONNRESET"],
  ] as const) {
    await use({ fallback, onReturn }, halted);
    const ids = await client.open("t", VIP, [12000, 12000, 12100]);
    await use({ fallback, onReturn });
    await pause(1000);
    const all = await client.report();
    const states = ids.map((id) => all.get(id)?.state);
    console.log(`seen: onReturn: ${onReturn}: ${states.join(" ")}`);
    assert.deepEqual(
      states,
      ids.map(() => want),
    );
    assert.equal((await newConnection()).server, "primary");
    client.order({ do: "end", ids });
  }
});

test("F3: with recovery: manual a service that was down stays on its fallback until it is released", {
  skip,
}, async () => {
  const lines = { fallback: `{ address: ${FALLBACK} }`, recovery: "manual", check: CHECK };
  await use(lines);
  await servingIs("PrimaryCluster");
  await silence("primary", true);
  await servingIs("fallback");
  await silence("primary", false);
  await until("its real server is healthy again", async () => {
    const [real] = (await service()).servers;
    return real?.health === "healthy";
  });
  await pause(1000);
  const held = await service();
  console.log(`seen: held ${held.held}, on fallback ${held.onFallback}, colour ${held.colour}`);
  assert.deepEqual([held.held, held.onFallback, held.colour], [true, true, "red"]);
  assert.equal((await newConnection()).server, "fallback");
  // Written down, as the replicator does, it outlives the daemon.
  await world.a.writeModes("serial: 2\nheld: [ { service: VNA, reason: tested } ]\n");
  await world.a.ask("POST /reload");
  await world.a.end("SIGKILL");
  await world.a.start();
  await world.a.ask("POST /condition", { condition: "active", peerAlive: false });
  await servingIs("fallback");
  assert.equal((await service()).hold?.reason, "tested");
  await world.a.writeModes("serial: 3\n");
  await world.a.ask("POST /reload");
  await servingIs("PrimaryCluster");
  assert.equal((await newConnection()).server, "primary");
  console.log(`seen: ${CLIENT} is with ${PRIMARY} again`);
});

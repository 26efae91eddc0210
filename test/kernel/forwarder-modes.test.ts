// forwarder-modes.test.ts — what halt, drain and online do to open connections.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type ClosedAtServer, startClient, startServer } from "./forwarder-clients.js";
import { type ConnectionReport, type Kind, monotonic } from "./forwarder-talk.js";
import {
  createWorld,
  inside,
  notHere,
  pause,
  referenceServices,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const EACH = 15;
/** A second is promised; a tenth is what it takes. */
const CUT_MS_MAX = 1000;
let world: World;
let client: Client;
let closedAtPrimary: readonly ClosedAtServer[];

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await world.a.write(referenceServices());
  await world.a.start();
  await world.a.ask("POST /condition", { condition: "active", peerAlive: false });
  closedAtPrimary = await startServer(world, "primary", [12000, 12100]);
  await startServer(world, "fallback", [12000, 12100]);
  client = startClient(world);
});
after(() => world?.close());

const setMode = async (mode: "halt" | "drain" | "online"): Promise<void> => {
  const entry = `{ service: VNA, server: PrimaryCluster, mode: ${mode} }`;
  await world.a.writeModes(`serial: 1\nmodes: [${mode === "online" ? "" : ` ${entry} `}]\n`);
  await world.a.ask("POST /reload");
};

const openAll = async (): Promise<string[]> => {
  const ids: string[] = [];
  for (const kind of ["t", "r", "i"] as const) {
    ids.push(...(await client.open(kind, VIP, new Array<number>(EACH).fill(12000))));
  }
  return ids;
};

const byKind = (reports: readonly ConnectionReport[], kind: Kind) =>
  reports.filter((each) => each.kind === kind);

const serverOfNew = async (): Promise<string | undefined> => {
  const [id = ""] = await client.open("t", VIP, [12100]);
  return (await client.report()).get(id)?.greeting?.server;
};

test("halt cuts talking, receiving and idle clients alike, and frees the server's sockets", {
  skip,
}, async () => {
  const ids = await openAll();
  await pause(200);
  const freed = closedAtPrimary.length;
  const began = monotonic();
  await setMode("halt");
  await pause(CUT_MS_MAX);
  const all = await client.report();
  const reports = ids.flatMap((id) => all.get(id) ?? []);
  for (const [kind, name] of [
    ["t", "talking"],
    ["r", "receiving"],
    ["i", "idle"],
  ] as const) {
    const some = byKind(reports, kind);
    const cut = some.filter((each) => each.state === "ECONNRESET");
    const worst = Math.max(...cut.map((each) => each.at - began));
    console.log(
      `seen: ${name}: ${cut.length} of ${some.length} reset, the last after ${worst.toFixed(0)} ms`,
    );
    assert.equal(cut.length, EACH, `${name}: ${some.map((each) => each.state)}`);
    assert.ok(worst < CUT_MS_MAX);
  }
  const server = closedAtPrimary.slice(freed);
  console.log(
    `seen: server freed ${server.length} of ${ids.length}:`,
    new Set(server.map((s) => s.how)),
  );
  assert.equal(server.length, ids.length);
  assert.equal(await serverOfNew(), "fallback");
});

test("a halted server's clients may use the same ports again at once", { skip }, async () => {
  const connect = `
    const net = require("net");
    const dial = (done) => {
      const s = net.connect({ host: "${VIP}", port: 12000, localPort: 45678 });
      let told = false;
      s.on("connect", () => s.write("t"));
      s.on("data", (d) => { if (!told) { told = true; console.log(d.toString().trim()); s.write("x"); } else { console.log("echo"); done(s); } });
      s.on("error", (e) => { console.log(e.code); setTimeout(() => dial((x) => process.exit(0)), 50); });
    };
    dial(() => {});`;
  await setMode("online");
  const child = world.spawn("client", [process.execPath, "-e", connect]);
  const said: string[] = [];
  child.stdout?.on("data", (chunk: Buffer) => said.push(...chunk.toString().trim().split("\n")));
  await pause(400);
  await setMode("halt");
  await pause(800);
  console.log(
    "seen:",
    said.map((line) => (line.startsWith("{") ? JSON.parse(line).server : line)),
  );
  assert.equal(JSON.parse(said[0] ?? "{}").server, "primary");
  assert.equal(said[2], "ECONNRESET");
  assert.equal(JSON.parse(said[3] ?? "{}").server, "fallback");
  assert.equal(said[4], "echo");
});

test("online brings clients back, and a server's earlier cuts do not touch them", {
  skip,
}, async () => {
  await setMode("halt");
  await setMode("online");
  assert.equal(await serverOfNew(), "primary");
});

test("drain keeps every open connection and sends new ones elsewhere", { skip }, async () => {
  await setMode("online");
  const ids = await openAll();
  await setMode("drain");
  assert.equal(await serverOfNew(), "fallback");
  await pause(500);
  client.order({ do: "write", ids: ids.filter((id) => id.startsWith("i")) });
  await pause(200);
  const all = await client.report();
  const reports = ids.flatMap((id) => all.get(id) ?? []);
  const open = reports.filter((each) => each.state === "open" && each.received > 0);
  console.log(`seen: ${open.length} of ${reports.length} open and served`);
  assert.equal(open.length, ids.length);
  const service = (await world.a.status()).services[0];
  console.log(
    "seen: coverage",
    service?.coverage.covered,
    "of",
    service?.coverage.open,
    service?.colour,
  );
  assert.equal(service?.colour, "blue");
  // The maps name the fallback now: these flows are not covered, and status must not claim it.
  assert.ok((service?.coverage.covered ?? 0) <= (service?.coverage.open ?? 0) - ids.length);
});

test("a halt that came while the daemon was dead is carried out at its start", {
  skip,
}, async () => {
  await setMode("online");
  const ids = await client.open("i", VIP, new Array<number>(5).fill(12000));
  await world.a.end("SIGKILL");
  await world.a.writeModes("modes: [ { service: VNA, server: PrimaryCluster, mode: halt } ]\n");
  await world.a.start();
  await pause(600);
  const all = await client.report();
  const states = ids.map((id) => all.get(id)?.state);
  console.log("seen:", states.join(" "));
  assert.ok(states.every((state) => state === "ECONNRESET"));
  const { stdout } = await inside(
    "a",
    "conntrack",
    "-L",
    "-p",
    "tcp",
    "--reply-src",
    "192.168.100.110",
  );
  assert.doesNotMatch(stdout, /ESTABLISHED/);
});

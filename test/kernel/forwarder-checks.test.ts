// forwarder-checks.test.ts — H1: every kind of check over real cables, from the daemon that follows it to the maps.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { after, afterEach, before, test } from "node:test";
import type { CheckTrial } from "@lbpair/common";
import {
  createWorld,
  inside,
  notHere,
  PRIMARY,
  pause,
  referenceServices,
  until,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const ID = "VNA/PrimaryCluster";
/** Another own address of node a, nearer to the servers than none. */
const SOURCE = "192.168.100.9";
const QUICK = "interval: 300ms, timeout: 250ms, failures: 2";
let world: World;
let servers: ChildProcess[] = [];

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await inside("a", "ip", "addr", "add", `${SOURCE}/24`, "dev", "eth0");
  const lines = [
    "node: { name: node-a, designation: primary }",
    `checks: { sources: [${SOURCE}] }`,
  ];
  await writeFile(world.a.paths.applianceFile, `${lines.join("\n")}\n`);
  await world.a.write(referenceServices());
  await world.a.start();
});
afterEach(() => {
  for (const server of servers) server.kill("SIGKILL");
  servers = [];
});
after(() => world?.close());

function serve(...argv: string[]): void {
  servers.push(world.spawn("primary", argv));
}

/** A server that answers every connection by `code`, which sees `socket`, and counts who came. */
const speak = (port: number, code: string): void =>
  serve(
    process.execPath,
    "-e",
    `require("node:net").createServer((socket) => { socket.on("error", () => {}); ${code} }).listen(${port})`,
  );

const verdict = async (): Promise<{ readonly health: string; readonly reason: string }> => {
  const { services, verdicts } = await world.a.status();
  const server = services.flatMap((service) => service.servers).find(({ id }) => id === ID);
  assert.ok(server !== undefined, JSON.stringify(services));
  const health = verdicts.unhealthy.includes(ID)
    ? "unhealthy"
    : verdicts.unknown.includes(ID)
      ? "unknown"
      : "healthy";
  return { health, reason: server.reason };
};

async function reload(check: string): Promise<void> {
  await world.a.write(referenceServices({ check: `{ ${check} }` }));
  await world.a.ask("POST /reload");
}

/** From unhealthy on, so that a verdict of before is none of this check. */
async function use(check: string, from: "on" | "off" = "off"): Promise<void> {
  await reload(`type: "${from}"`);
  await reload(`${check}, ${QUICK}`);
}

async function becomes(health: string): Promise<string> {
  const started = performance.now();
  await until(`${ID} is ${health}`, async () => (await verdict()).health === health);
  const { reason } = await verdict();
  console.log(`${health} after ${Math.round(performance.now() - started)} ms: ${reason}`);
  return reason;
}

/** The check passes while the server is there, and fails when it is killed. */
async function livesAndDies(check: string, start: () => void, fails: RegExp): Promise<void> {
  start();
  await pause(300);
  await use(check);
  await becomes("healthy");
  for (const server of servers) server.kill("SIGKILL");
  assert.match(await becomes("unhealthy"), fails);
  start();
  await becomes("healthy");
}

test("H1 dicom: a dead archive (dcmtk's storescp) is left and taken back", { skip }, async () => {
  await livesAndDies(
    "type: dicom, calledAe: VNA, callingAe: LBPAIR, port: 12000",
    // The namespace has no name server, which storescp asks for the caller's name otherwise.
    () => serve("storescp", "-dhl", "-od", tmpdir(), "-aet", "VNA", "12000"),
    /want a connection, port 12000: refused/,
  );
  const [trial] = (await world.a.ask("POST /health-check", { service: "VNA" })) as CheckTrial[];
  assert.equal(trial?.reason, "VNA verified");
  assert.deepEqual(
    trial?.ports.map(({ port, what }) => `${port} ${what ?? "accepts"}`).slice(0, 2),
    ["12000 accepts", "12100 refused"],
  );
});

test("H1 connect and ping: a closed port, and an address that is gone", { skip }, async () => {
  await livesAndDies(
    "type: connect",
    () => {
      for (const port of [12000, 12100, 12200, 12300, 12301, 12800, 12950]) speak(port, "");
    },
    /^closed: .*12000.* refused/,
  );
  await use("type: ping");
  await becomes("healthy");
  await inside("primary", "ip", "link", "set", "eth0", "down");
  assert.match(await becomes("unhealthy"), /^no echo/);
  await inside("primary", "ip", "link", "set", "eth0", "up");
  await inside("primary", "ip", "route", "add", "default", "via", "192.168.100.254");
  await becomes("healthy");
});

test("H1 tcp and smtp: the answer decides, from the configured source address", {
  skip,
}, async () => {
  await livesAndDies(
    `type: tcp, port: 12800, send: "hello", expect: "from ${SOURCE}"`,
    () =>
      speak(
        12800,
        'socket.on("data", () => socket.end("from " + socket.remoteAddress.replace("::ffff:", "")))',
      ),
    /want an answer with .*refused|want a connection/,
  );
  speak(12950, 'socket.end("421 too busy\\r\\n")');
  await use("type: smtp, port: 12950", "on");
  assert.match(await becomes("unhealthy"), /want 220, an SMTP greeting, got "421 too busy/);
});

test("H1 http: a status that is not the wanted one takes the server out", { skip }, async () => {
  const web = (status: number): void =>
    serve(
      process.execPath,
      "-e",
      `require("node:http").createServer((q, a) => { a.statusCode = ${status}; a.end("state: " + q.headers.host) }).listen(12100)`,
    );
  web(200);
  await pause(300);
  await use("type: http, port: 12100, host: vna.example.org, pattern: '^state: vna[.]example'");
  await becomes("healthy");
  for (const server of servers.splice(0)) server.kill("SIGKILL");
  web(503);
  assert.match(await becomes("unhealthy"), /status 503, want 200|refused/);
});

test("H1 rise and fall: two failures take out, three successes bring back; on and off ask nobody", {
  skip,
}, async () => {
  const check = `type: ping, successes: 3`;
  await use(check);
  await becomes("healthy");
  await reload('type: "off"');
  assert.equal(await becomes("unhealthy"), "always off");
  await reload('type: "on"');
  assert.equal(await becomes("healthy"), "no checks, always on");
  await inside("primary", "ip", "addr", "del", `${PRIMARY}/24`, "dev", "eth0");
  await use(check, "on");
  await becomes("unhealthy");
  const back = performance.now();
  await inside("primary", "ip", "addr", "add", `${PRIMARY}/24`, "dev", "eth0");
  await becomes("healthy");
  const tookMs = performance.now() - back;
  assert.ok(tookMs >= 600, `three successes 300 ms apart take 600 ms at least, took ${tookMs}`);
});

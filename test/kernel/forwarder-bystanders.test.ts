// forwarder-bystanders.test.ts — a change of one service is none of the others' business, under load.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { after, before, test } from "node:test";
import { startClient, startServer } from "./forwarder-clients.js";
import {
  createWorld,
  FALLBACK,
  GATEWAY,
  notHere,
  PRIMARY,
  pause,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const OTHERS = 300;
const CHANGES = 60;
const UDP_PORT = 12999;
let world: World;

/** Echoes every datagram. */
const ECHO = `
  const socket = require("dgram").createSocket("udp4");
  socket.on("message", (data, from) => socket.send(data, from.port, from.address));
  socket.bind(${UDP_PORT});`;

/** Sends a number every 2 ms until its input ends, then says which were not answered. */
const ASK = `
  const socket = require("dgram").createSocket("udp4");
  const open = new Set();
  let sent = 0;
  socket.on("message", (data) => open.delete(Number(data)));
  const timer = setInterval(() => {
    sent += 1;
    open.add(sent);
    socket.send(String(sent), ${UDP_PORT}, "${VIP}");
  }, 2);
  process.stdin.resume().on("end", () => {
    clearInterval(timer);
    setTimeout(() => {
      console.log(JSON.stringify({ sent, lost: [...open] }));
      process.exit(0);
    }, 500);
  });`;

const other = (i: number, weight: number): string =>
  `  - label: other-${i}
    address: 192.168.201.${1 + (i % 250)}
    ports: [${20000 + Math.floor(i / 250) * 10}-${20006 + Math.floor(i / 250) * 10}]
    realServers:
      - { label: s1, address: 192.168.101.${1 + (i % 250)}, weight: 100 }
      - { label: s2, address: 192.168.102.${1 + (i % 250)}, weight: ${weight} }
    check: { type: "on" }
`;

/** The watched services, and as many others, one of which has another weight. */
const services = (others: number, changed: number, weight: number): string => `
floatingIps: [ { label: gateway, address: ${GATEWAY} } ]
virtualServices:
  - label: watched
    address: ${VIP}
    ports: [12000, 12100]
    realServers: [ { label: s1, address: ${PRIMARY} }, { label: s2, address: ${FALLBACK} } ]
    check: { type: "on" }
  - label: watched-udp
    address: ${VIP}
    ports: [${UDP_PORT}]
    protocol: udp
    realServers: [ { label: s1, address: ${PRIMARY} } ]
    check: { type: "on" }
${Array.from({ length: others }, (_, i) => other(i, i === changed ? weight : 100)).join("")}`;

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await world.a.write(services(OTHERS, -1, 100));
  await world.a.start();
  for (const host of ["primary", "fallback"] as const)
    await startServer(world, host, [12000, 12100]);
  world.spawn("primary", [process.execPath, "-e", ECHO]);
});
after(() => world?.close());

async function changeOthers(): Promise<number> {
  let elements = 0;
  for (let i = 0; i < CHANGES; i += 1) {
    const place = (i * 37) % (OTHERS - 20);
    if (i % 3 === 0) {
      const mode = i % 2 === 0 ? "halt" : "drain";
      const entry = `{ service: other-${place}, server: s1, mode: ${mode} }`;
      await world.a.writeModes(`serial: ${i + 1}\nmodes: [ ${entry} ]\n`);
    } else {
      const many = i % 3 === 1 ? OTHERS : OTHERS - (i % 20);
      await world.a.write(services(many, place, 50 + i));
    }
    const { changed } = (await world.a.ask("POST /reload")) as { readonly changed: number };
    elements += changed;
    await pause(50);
  }
  return elements;
}

async function stop(asking: ChildProcess): Promise<{ sent: number; lost: readonly number[] }> {
  let said = "";
  asking.stdout?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  asking.stdin?.end();
  await until("the asking program has told", () => said.endsWith("\n"));
  return JSON.parse(said) as { sent: number; lost: readonly number[] };
}

test("changes of 300 other services lose no packet and break no connection of a service under load", {
  skip,
}, async () => {
  const client = startClient(world);
  const ports = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 12000 : 12100));
  const talking = await client.open("t", VIP, ports);
  const receiving = await client.open("r", VIP, ports.slice(0, 20));
  const asking = world.spawn("client", [process.execPath, "-e", ASK]);
  await pause(1000);
  const elements = await changeOthers();
  const newcomers = await client.open("t", VIP, ports.slice(0, 20));
  const { sent, lost } = await stop(asking);
  const reports = await client.report();
  const all = [...talking, ...receiving, ...newcomers].map((id) => reports.get(id));
  const gaps = all.map((each) => each?.gapMs ?? Number.POSITIVE_INFINITY);
  console.log(
    `seen: ${CHANGES} changes of ${elements} elements; ${all.length} connections, longest wait ` +
      `${Math.max(...gaps).toFixed(0)} ms; ${lost.length} of ${sent} datagrams lost`,
  );
  // Datagrams tell of loss: TCP sends again too where a busy machine answers late.
  assert.ok(elements > 1000);
  assert.ok(all.every((each) => each?.state === "open"));
  assert.ok(sent > 1000);
  assert.deepEqual(lost, []);
});

// forwarder-udp.test.ts — UDP has no flags and no end: who owns a flow has to be settled by entries.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
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
let world: World;

/** Echoes `NAME:` and what came; a datagram "talk" makes it send one every 10 ms from then on. */
const SERVER = `
  const [name, ...ports] = process.argv.slice(1);
  for (const port of ports) {
    const socket = require("dgram").createSocket("udp4");
    socket.on("message", (data, from) => {
      if (String(data) === "talk") setInterval(() => socket.send(name + ":tick", from.port, from.address), 10);
      else socket.send(name + ":" + data, from.port, from.address);
    });
    socket.bind(Number(port));
  }`;

/** Sends \`what\` every 10 ms (or once) from one port and prints who answered, with a clock. */
const CLIENT = `
  const [what, port, once] = process.argv.slice(1);
  const socket = require("dgram").createSocket("udp4");
  socket.on("error", () => {});
  socket.on("message", (data, from) => console.log(String(data).split(":")[0] + " " + from.address + ":" + from.port));
  const send = () => socket.send(what, Number(port), "${VIP}");
  send();
  if (!once) setInterval(send, 10);`;

const services = [
  "floatingIps: [ { label: gateway, address: 192.168.100.254 } ]",
  "virtualServices:",
  "  - label: udp",
  `    address: ${VIP}`,
  "    ports: [12000]",
  "    protocol: udp",
  `    realServers: [ { label: s1, address: ${PRIMARY}, port: 13000 } ]`,
  `    fallback: { address: ${FALLBACK} }`,
  '    check: { type: "on" }',
  "",
].join("\n");

const talk = (what: string, once = false) => {
  const words = [what, "12000", ...(once ? ["once"] : [])];
  const child = world.spawn("client", [process.execPath, "-e", CLIENT, ...words]);
  const heard: string[] = [];
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on("line", (l) => heard.push(l));
  return heard;
};

const setMode = async (mode: string): Promise<void> => {
  await world.a.writeModes(
    mode === "online" ? "" : `modes: [ { service: udp, server: s1, mode: ${mode} } ]\n`,
  );
  await world.a.ask("POST /reload");
};

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  for (const node of [world.a, world.b]) {
    await node.write(services);
    await node.start();
  }
  world.spawn("primary", [process.execPath, "-e", SERVER, "primary", "13000"]);
  world.spawn("fallback", [process.execPath, "-e", SERVER, "fallback", "12000"]);
  // A datagram before the server listens would be answered by ICMP.
  for (const [host, port] of [
    ["primary", 13000],
    ["fallback", 12000],
  ] as const) {
    await until(`${host} listens`, async () =>
      (await inside(host, "ss", "-Hlun")).stdout.includes(`:${port}`),
    );
  }
});
after(() => world?.close());

test("a client that never pauses follows a halt and the return", { skip }, async () => {
  const heard = talk("x");
  await until("the real server answers", () => heard.includes(`primary ${VIP}:12000`));
  await setMode("halt");
  await until("the fallback answers", () => heard.at(-1) === `fallback ${VIP}:12000`, 2000);
  await setMode("online");
  await until("the real server answers again", () => heard.at(-1) === `primary ${VIP}:12000`, 2000);
  const strangers = heard.filter((line) => !line.endsWith(`${VIP}:12000`));
  console.log(`seen: ${heard.length} answers, all from the VIP`);
  assert.deepEqual(strangers, []);
});

test("a drained server keeps the clients it has", { skip }, async () => {
  const heard = talk("x");
  await until("the real server answers", () => heard.at(-1)?.startsWith("primary"));
  await setMode("drain");
  await pause(400);
  assert.ok(heard.at(-1)?.startsWith("primary"));
  const fresh = talk("x");
  await until("a new client gets the fallback", () => fresh.at(-1)?.startsWith("fallback"));
  await setMode("online");
});

test("a server that talks alone is heard on after a take over, from the VIP", {
  skip,
}, async () => {
  const heard = talk("talk", true);
  await until("ticks", () => heard.length > 10);
  await pull("a");
  await raise("b");
  await pause(300);
  const before = heard.length;
  await pause(500);
  console.log(`seen: ${heard.length - before} ticks in half a second after the take over`);
  assert.ok(heard.length - before > 10);
  assert.deepEqual(new Set(heard), new Set([`primary ${VIP}:12000`]));
  const { stdout } = await inside("b", "conntrack", "-L", "-p", "udp");
  assert.match(stdout, new RegExp(`src=${PRIMARY} dst=192.168.200.50 sport=13000`));
});

// forwarder-ambiguous.test.ts — a server port that several VIP ports share: nobody can tell whose packet it is.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CLIENT,
  createWorld,
  inside,
  notHere,
  PRIMARY,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
let world: World;

const SERVICES = [
  "virtualServices:",
  "  - label: shared",
  `    address: ${VIP}`,
  "    ports: [12000, 12100]",
  "    protocol: udp",
  `    realServers: [ { label: PrimaryCluster, address: ${PRIMARY}, port: 13000, weight: 100 } ]`,
  "    check: { type: 'on' }",
  "",
].join("\n");

/** Answers every datagram by its text; on its own it also talks to CLIENT:40000 all the time. */
const SERVER = `
  const socket = require("dgram").createSocket("udp4");
  socket.on("message", (data, from) => socket.send(String(data), from.port, from.address));
  socket.bind(13000, () => setInterval(() => socket.send("tick", 40000, "${CLIENT}"), 10));`;

/** Prints who is heard at port 40000; speaks to the VIP once told to. */
const LISTENER = `
  const socket = require("dgram").createSocket("udp4");
  socket.on("error", () => {});
  socket.on("message", (data, from) => console.log(data + " " + from.address + ":" + from.port));
  socket.bind(40000);
  process.stdin.on("data", () => setInterval(() => socket.send("hello", 12100, "${VIP}"), 10));`;

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await world.a.write(SERVICES);
  await world.a.start();
});
after(() => world?.close());

test("a UDP server that talks first through a shared port is not heard untranslated, then from the VIP", {
  skip,
}, async () => {
  const heard: string[] = [];
  const listener = world.spawn("client", [process.execPath, "-e", LISTENER]);
  listener.stdout?.on("data", (data) => heard.push(...String(data).trim().split("\n")));
  world.spawn("primary", [process.execPath, "-e", SERVER]);
  await until("the node has had the server's packets", async () => {
    const { stdout } = await inside("a", "cat", "/proc/net/dev");
    return Number(/eth0:\s*\d+\s+(\d+)/.exec(stdout)?.[1]) > 60;
  });
  const untranslated = heard.filter((line) => !line.includes(VIP));
  listener.stdin?.write("go\n");
  await until("the client is answered from the VIP", () => heard.includes(`hello ${VIP}:12100`));
  const strangers = heard.filter((line) => !line.endsWith(`${VIP}:12100`));
  console.log("seen:", heard.length, "datagrams,", [...new Set(heard)].join(", "));
  assert.deepEqual([...untranslated, ...strangers], []);
});

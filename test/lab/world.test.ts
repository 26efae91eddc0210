// world.test.ts — the lab itself: what it builds, what its faults do, and that nothing of it stays behind.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runCommand } from "@lbpair/common";
import {
  ADDRESSES,
  createModality,
  createWorld,
  type HostName,
  labNotPossible,
  listLabs,
  ownerOfMac,
  type World,
} from "@lbpair/lab";

const reason = await labNotPossible();
const skip = reason === undefined ? false : `SKIPPED, NOT TESTED: ${reason}`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let world: World;
before(async () => {
  if (skip === false) world = await createWorld();
});
after(() => world?.destroy());

async function hears(from: HostName, to: string): Promise<boolean> {
  return (await world.exec(from, ["ping", "-c", "1", "-W", "1", to])).code === 0;
}

test("every host reaches its neighbours, and the far client the front network", {
  skip,
}, async () => {
  const pairs: readonly (readonly [HostName, string])[] = [
    ["client", ADDRESSES.front.lb1],
    ["client", ADDRESSES.front.lb2],
    ["far", ADDRESSES.client],
    ["client", ADDRESSES.far],
    ["lb1", ADDRESSES.far],
    ["primary", ADDRESSES.back.lb1],
    ["fallback", ADDRESSES.back.lb2],
    ["front-watch", ADDRESSES.front.lb1],
    ["back-watch", ADDRESSES.primary],
  ];
  for (const [from, to] of pairs) assert.ok(await hears(from, to), `${from} → ${to}`);
  assert.equal(await hears("client", ADDRESSES.primary), false, "nothing leads around the pair");
});

test("a pulled appliance has no carrier on either link, and has it again when plugged in", {
  skip,
}, async () => {
  const carriers = async () => {
    const { stdout } = await world.exec("lb1", ["ip", "-br", "link", "show", "up"]);
    return stdout.split("\n").filter((line) => /^eth\d.*LOWER_UP/.test(line)).length;
  };
  assert.equal(await carriers(), 2);
  await world.cables.pull("lb1");
  assert.equal(await carriers(), 0);
  await world.cables.heal();
  assert.equal(await carriers(), 2);
});

test("a partition parts the appliances from each other and from nobody else", {
  skip,
}, async () => {
  await world.cables.partition(["front", "back"]);
  assert.equal(await hears("lb1", ADDRESSES.front.lb2), false);
  assert.equal(await hears("lb2", ADDRESSES.back.lb1), false);
  assert.ok(await hears("client", ADDRESSES.front.lb1));
  assert.ok(await hears("primary", ADDRESSES.back.lb2));
  await world.cables.heal();
  assert.ok(await hears("lb1", ADDRESSES.back.lb2));
});

test("an outage of 300 ms is measured as one, by datagrams and by new connections", {
  skip,
}, async () => {
  const target = { address: ADDRESSES.primary, port: 7 };
  const echo = await world.probe("lb1", "udp-echo", { ...target, intervalMs: 1 });
  const arriving = await world.probe("lb1", "new-connections", {
    ...target,
    intervalMs: 5,
    slowMs: 200,
    timeoutMs: 5000,
  });
  await pause(300);
  for (const probe of [echo, arriving]) probe.mark();
  await pause(100);
  await world.cables.pull("lb1", ["back"]);
  await pause(300);
  await world.cables.plug("lb1", ["back"]);
  await pause(1500);
  const [datagrams, connections] = await Promise.all([echo.stop(), arriving.stop()]);
  console.log(
    `datagrams ${datagrams.outageMs.toFixed(0)} ms, connections ${connections.outageMs.toFixed(0)} ms`,
  );
  for (const { outageMs } of [datagrams, connections]) {
    assert.ok(outageMs >= 290 && outageMs < 1500, `${outageMs} ms`);
  }
  assert.ok(datagrams.lost > 0);
  assert.deepEqual(Object.keys(connections.servers), ["primary"]);
});

test("two hosts that hold one address are seen as two claimants", { skip }, async () => {
  const address = "192.168.200.99";
  const watch = await world.probe("front-watch", "arp-watch", {
    link: "eth1",
    address: ADDRESSES.frontWatch,
    targets: [address],
    intervalMs: 5,
    pauseMs: 50,
  });
  await world.exec("lb1", ["ip", "addr", "add", `${address}/32`, "dev", "eth1"]);
  await pause(200);
  await world.exec("lb2", ["ip", "addr", "add", `${address}/32`, "dev", "eth1"]);
  await pause(200);
  await world.exec("lb1", ["ip", "addr", "del", `${address}/32`, "dev", "eth1"]);
  await pause(200);
  const [watched] = (await watch.stop()).watched;
  const seen = watched?.runs.map((run) => [ownerOfMac(run.mac), run.count]);
  console.log(`claimants: ${JSON.stringify(seen)}`);
  assert.equal(watched?.overlaps.length, 1);
  assert.deepEqual(
    watched.overlaps[0]?.macs.map((mac) => ownerOfMac(mac)),
    ["lb1 front", "lb2 front"],
  );
});

test("dcmtk's own tools speak with a cluster", { skip }, async () => {
  const { code, stderr } = await world.exec("lb1", ["echoscu", ADDRESSES.primary, "12000"]);
  assert.equal(code, 0, stderr);
  const refused = await createModality(runCommand, world.namespace("client"), "eth1").echo();
  assert.equal(refused.done, false, "no appliance forwards yet");
});

test("a lab whose process is killed leaves no process, and the next start clears the rest", {
  skip,
}, async () => {
  const library = fileURLToPath(import.meta.resolve("@lbpair/lab"));
  const program = `
    const { createWorld } = await import(${JSON.stringify(library)});
    const world = await createWorld();
    console.log(JSON.stringify({ id: world.id, folder: world.folder }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await child.stdout.take(1).toArray()) as [Buffer];
  const { id, folder } = JSON.parse(line.toString()) as { id: string; folder: string };
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  await pause(200);
  const pids = await runCommand(["ip", "netns", "pids", `lbp-${id}-primary`]);
  assert.equal(pids.code, 0, "its namespaces are still there");
  assert.equal(pids.stdout.trim(), "", "its servers are not");
  const next = await createWorld();
  try {
    const { stdout } = await runCommand(["ip", "netns", "list"]);
    assert.ok(!stdout.includes(`lbp-${id}-`));
    assert.ok(!existsSync(folder));
    assert.ok(!(await listLabs()).some((lab) => lab.record.id === id));
  } finally {
    await next.destroy();
  }
});

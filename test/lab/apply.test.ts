// apply.test.ts — what is saved comes into force on both nodes on order, whole, and never otherwise.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import type { ApplyAnswer } from "@lbpair/common";
import {
  APPLIANCES,
  type ApplianceName,
  monotonicMs,
  viewPair,
  type World,
  waitForPair,
} from "@lbpair/lab";
import { badConfigurations, serviceLine, TEN_MISTAKES } from "./bad-configurations.js";
import { createReadyPair, makeWell, skip } from "./ready-pair.js";

let world: World;
let reference: string;
before(async () => {
  if (skip !== false) return;
  world = await createReadyPair();
  reference = await readFile(world.appliances.lb1.paths.servicesFile, "utf8");
});
after(() => world?.destroy());
beforeEach(async () => {
  if (skip !== false) return;
  await save(reference);
  await makeWell(world);
});

const save = (text: string): Promise<void> =>
  writeFile(world.appliances.lb1.paths.servicesFile, text);

interface Said {
  readonly code: number | null;
  readonly text: string;
}

async function lbpair(on: ApplianceName, ...words: string[]): Promise<Said> {
  const { code, stdout, stderr } = await world.cli(on, words);
  return { code, text: stdout + stderr };
}

/** What the kernel of each node has for a port of the VIP. */
const kernelsKnow = (port: number): Promise<boolean[]> =>
  Promise.all(
    APPLIANCES.map(async (name) => {
      const { stdout } = await world.exec(name, ["nft", "list", "map", "ip", "lbpair", "services"]);
      return stdout.includes(`. ${port} `);
    }),
  );

/** Revision in force, as each daemon of each node says. */
async function revisions(): Promise<(string | undefined)[]> {
  const pair = await viewPair(world);
  return APPLIANCES.flatMap((name) =>
    [pair[name].forwarder, pair[name].replicator].map((daemon) => daemon?.revision?.hash),
  );
}

const withService = (port: number): string =>
  reference +
  serviceLine(
    `label: NEW, address: 192.168.200.100, ports: [${port}], ` +
      'realServers: [ { label: P, address: 192.168.100.110, weight: 100 } ], check: { type: "on" }',
  );

/** Promised for an apply; asserted with fivefold slack for the best of a few. */
const APPLY_MS = 1000;
const SLACK = 5;

test("apply returns with the change in force on both nodes, in under a second", {
  skip,
}, async () => {
  const took: number[] = [];
  for (const [port, text] of [
    [13001, withService(13001)],
    [13002, withService(13002)],
    [0, reference],
  ] as const) {
    await save(text);
    const began = monotonicMs();
    const answer = (await world.appliances.lb1.ask(
      "replicator",
      "POST /apply",
      {},
      60_000,
    )) as ApplyAnswer;
    took.push(monotonicMs() - began);
    const known = await Promise.all([13001, 13002].map(kernelsKnow));
    assert.deepEqual(known, [
      [port === 13001, port === 13001],
      [port === 13002, port === 13002],
    ]);
    assert.equal(answer.peer.state, "in-sync", answer.peer.reason);
    assert.deepEqual(new Set(await revisions()), new Set([answer.revision.hash]));
  }
  console.log(`apply took ${took.map((ms) => ms.toFixed(0)).join(", ")} ms`);
  assert.ok(Math.min(...took) <= APPLY_MS * SLACK);
});

test("a saved file changes nothing and shows as pending, until lbpair apply", {
  skip,
}, async () => {
  const was = await revisions();
  await save(withService(13003));
  const plan = await lbpair("lb1", "plan");
  assert.match(plan.text, /NEW/);
  assert.match((await lbpair("lb1", "status")).text, /not in force/);
  assert.match((await lbpair("lb2", "status")).text, /edited since/);
  assert.deepEqual(await revisions(), was);
  assert.deepEqual(await kernelsKnow(13003), [false, false]);
  const began = monotonicMs();
  const apply = await lbpair("lb1", "apply");
  console.log(`lbpair apply, its own start included: ${(monotonicMs() - began).toFixed(0)} ms`);
  assert.equal(apply.code, 0, apply.text);
  assert.deepEqual(await kernelsKnow(13003), [true, true]);
  await save(reference);
  assert.equal((await lbpair("lb1", "apply")).code, 0);
});

test("a half-edited file changes nothing, and status, plan and apply all say so", {
  skip,
}, async () => {
  const was = await revisions();
  await save(reference.slice(0, -150));
  const status = await lbpair("lb1", "status");
  assert.match(status.text, /not in force, and has \d+ problem/);
  for (const verb of ["plan", "apply", "check"]) {
    const { code, text } = await lbpair("lb1", verb);
    assert.equal(code, 1, text);
    assert.match(text, /services\.yaml:\d+: /, verb);
  }
  assert.deepEqual(await revisions(), was);
  await save(reference);
});

test("a halt on the secondary is executed on both nodes", { skip }, async () => {
  const modes = async () => {
    const pair = await viewPair(world);
    return APPLIANCES.map(
      (name) =>
        pair[name].forwarder?.services
          .flatMap((service) => service.servers)
          .find((server) => server.id === "VNA/PrimaryCluster")?.mode,
    );
  };
  const halt = await lbpair("lb2", "halt", "VNA/PrimaryCluster");
  assert.equal(halt.code, 0, halt.text);
  assert.deepEqual(await modes(), ["halt", "halt"]);
  const online = await lbpair("lb1", "online", "VNA/PrimaryCluster");
  assert.equal(online.code, 0, online.text);
  assert.deepEqual(await modes(), ["online", "online"]);
});

test("bad files are refused with every problem, and what was in force stays in force on both", {
  skip,
}, async () => {
  const was = await revisions();
  for (const { name, text, says } of badConfigurations(reference)) {
    await save(text);
    const apply = await lbpair("lb1", "apply");
    assert.equal(apply.code, 1, `${name}: ${apply.text}`);
    for (const word of says) assert.match(apply.text, word, name);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none reaches the screen is the point
    assert.doesNotMatch(apply.text, /[\u0000-\u0009\u000b-\u001f]/, name);
    const [first = ""] = apply.text.split("\n").filter((line) => line.includes("services.yaml"));
    console.log(`${name}: ${first.trim().slice(0, 150)}`);
    assert.deepEqual(await revisions(), was, name);
  }
  const check = await lbpair("lb1", "check");
  assert.equal(check.code, 1);
  await save(reference);
  await waitForPair(
    world,
    "nothing pending",
    (pair) => pair.lb1.replicator?.candidate.differs === false,
  );
});

test("check covers the reference without table sync, and finds ten of ten planted mistakes", {
  skip,
}, async () => {
  const good = await lbpair("lb1", "check");
  assert.equal(good.code, 0, good.text);
  assert.match(good.text, /without table sync +all 2 services are covered/);
  const file = join(world.folder, "planted.yaml");
  await writeFile(file, TEN_MISTAKES);
  const bad = await lbpair("lb1", "check", file);
  assert.equal(bad.code, 1);
  const lines = bad.text.split("\n").filter((line) => /planted\.yaml:\d+: /.test(line));
  console.log(lines.map((line) => line.trim()).join("\n"));
  assert.equal(lines.length, 10, bad.text);
});

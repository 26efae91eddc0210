// checks.test.ts — a whole pair: checks run on either node, their ports, their record, and a script begun from a template (H2, H5).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type World, waitForPair } from "@lbpair/lab";
import { createReadyPair, makeWell, pause, skip } from "./ready-pair.js";

let world: World;
before(async () => {
  if (skip === false) world = await createReadyPair();
});
after(() => world?.destroy());

async function lbpair(want: number, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.cli("lb1", argv);
  console.log(`seen: lbpair ${argv.join(" ")}\n${stdout}${stderr}`);
  assert.equal(code, want);
  return stdout;
}

test("H5: each node runs its own check when asked, the other by way of its replicator", {
  skip,
}, async () => {
  await makeWell(world);
  const here = await lbpair(0, "health-check", "run", "VNA/PrimaryCluster");
  const there = await lbpair(0, "health-check", "run", "VNA/PrimaryCluster", "--on", "peer");
  for (const said of [here, there]) {
    assert.match(said, /VNA\/PrimaryCluster passes \(external, .*\): all 7 ports accept/);
    assert.match(said, /12950\s+accepts/);
  }
  // A script's arguments are paths of the node that runs it.
  assert.notEqual(here.match(/argv: .*/)?.[0], there.match(/argv: .*/)?.[0]);
});

test("H2: each port of each server stands in status, and the record is judged by another rhythm on both nodes", {
  skip,
}, async () => {
  await makeWell(world);
  const status = await lbpair(0, "status", "--ports");
  assert.match(status, /port +12000 +12100 +12200 +12300 +12301 +12800 +12950/);
  assert.match(status, /PrimaryCluster( +●){7}/);
  await world.clusters.primary.fail();
  await waitForPair(
    world,
    "the fallback serves",
    (pair) => pair.lb1.forwarder?.services.some(({ onFallback }) => onFallback) === true,
    60_000,
  );
  await lbpair(1, "health-check", "run", "VNA", "--on", "peer");
  const judged = (on: readonly string[]) =>
    lbpair(0, "health-check", "what-if", "VNA", "--failures", "1", ...on);
  const both = [[], ["--on", "peer"]];
  // A passive node follows the active's verdict, perhaps before its own third failure.
  for (const on of both) {
    for (let i = 0; i < 20 && !/unhealthy +1 time/.test(await judged(on)); i += 1) await pause(500);
  }
  await world.clusters.primary.start();
  await makeWell(world);
  for (const on of both) {
    const told = await judged(on);
    assert.match(told, /unhealthy +1 time +1 time/);
    assert.match(told, /every 2\.0 s, 3 failures +every 2\.0 s, 1 failure/);
  }
});

test("H2: a script begun from a template is a candidate, and is nothing until it is applied", {
  skip,
}, async () => {
  await lbpair(0, "health-check", "templates");
  await lbpair(0, "health-check", "new", "mine", "--template", "ports-in-turn");
  await lbpair(1, "health-check", "new", "mine");
  await lbpair(1, "health-check", "new", "other", "--template", "ports-in-trun");
  assert.match(await lbpair(0, "plan"), /health-checks.*mine|mine/);
  await lbpair(0, "apply");
  const there = await world.exec("lb2", ["true"]);
  assert.equal(there.code, 0);
  assert.match(await lbpair(0, "status"), /in-sync/);
});

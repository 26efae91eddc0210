// replicator-failures.test.ts — a peer that refuses, is full, dies mid-push or is away keeps its old configuration whole.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { makeKeyPair } from "@lbpair/replicator";
import type { Appliance } from "./replicator-appliance.js";
import { apply, pairOfEachTest } from "./replicator-pair.js";
import { killAll, orSkip, pause, pidsIn, services, until } from "./replicator-tools.js";

const script = (comment: string): string => `#!/bin/sh\n# ${comment}\nexit 0\n`;

/** The same numbers for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** Processes of an appliance that have this word on their command line. */
const processesWith = (appliance: Appliance, word: string): number[] =>
  pidsIn(appliance.namespace).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(word);
    } catch {
      return false;
    }
  });

describe("a peer that cannot take a revision", orSkip("replicator-failures"), () => {
  const begin = pairOfEachTest();

  test("wrong host key: nothing is sent, and the state says which key is meant", async () => {
    const { primary, secondary } = await begin();
    writeFileSync(primary.paths.peerHostKeyFile, makeKeyPair("an impostor").publicKey);
    await primary.stopDaemon();
    const before = secondary.log.length;
    await primary.startDaemon();
    const { peer } = await primary.reaches("unreachable");
    console.log(peer.reason);
    assert.match(peer.reason, /another host key than the pinned one/);
    primary.save(services(90));
    assert.equal((await apply(primary)).peer.state, "unreachable");
    assert.equal(primary.inForce(), services(90));
    assert.equal(secondary.inForce(), services(100));
    assert.doesNotMatch(secondary.log.slice(before), /Accepted|Starting session/);
  });

  test("a key the peer does not know is an authentication failure, said so", async () => {
    const { primary } = await begin();
    writeFileSync(primary.paths.replicationKeyFile, makeKeyPair("a stranger").privateKey);
    await primary.stopDaemon();
    await primary.startDaemon();
    const { peer } = await primary.reaches("unreachable");
    console.log(peer.reason);
    assert.match(peer.reason, /does not accept secrets\/replication.key/);
  });

  test("SSH refused: in force here, waiting there, retried until the peer is back", async () => {
    const { primary, secondary } = await begin();
    secondary.stopSshd();
    primary.save(services(80));
    const started = performance.now();
    const { peer } = await apply(primary);
    console.log(`apply with SSH refused: ${Math.round(performance.now() - started)} ms`, peer);
    assert.equal(peer.state, "unreachable");
    assert.match(peer.reason, /connection refused.*revision 2 waits for it/);
    assert.equal(primary.inForce(), services(80));
    assert.equal(secondary.inForce(), services(100));
    await until(
      "a second failure",
      () => primary.status(),
      (status) => status.peer.failures >= 2,
    );
    await secondary.startSshd();
    const back = performance.now();
    await primary.reaches("in-sync");
    console.log(`in sync ${Math.round(performance.now() - back)} ms after sshd was back`);
    assert.equal(secondary.inForce(), services(80));
  });

  test("a peer whose cable is out is unreachable within the time an admin waits", async () => {
    const { primary, secondary } = await begin();
    const links = ["eth0", "eth1"];
    for (const link of links) secondary.exec(["ip", "link", "set", link, "down"]);
    primary.save(services(70));
    const started = performance.now();
    const { peer } = await apply(primary);
    const took = performance.now() - started;
    console.log(`apply with the cable out: ${Math.round(took)} ms`, peer);
    assert.equal(peer.state, "unreachable");
    assert.equal(primary.inForce(), services(70));
    assert.ok(took < 5000);
    for (const link of links) secondary.exec(["ip", "link", "set", link, "up"]);
    await primary.reaches("in-sync");
    assert.equal(secondary.inForce(), services(70));
  });

  test("disk full on the peer: nothing changes on either node, and nothing is left behind", async () => {
    const { primary, secondary } = await begin({ b: { stateSize: "300k" } });
    primary.save(services(60), script("x".repeat(600_000)));
    await assert.rejects(apply(primary), (error: Error) => {
      console.log(error.message);
      return /nothing was changed on either node: no room for revision 2 \(ENOSPC\)/.test(
        error.message,
      );
    });
    assert.equal(primary.inForce(), services(100));
    assert.equal(secondary.inForce(), services(100));
    assert.equal(existsSync(secondary.paths.staging), false);
    primary.save(services(60));
    assert.equal((await apply(primary)).peer.state, "in-sync");
    assert.equal(secondary.inForce(), services(60));
  });

  test("sshd dying mid-push leaves the old configuration whole, visible, and mended afterwards", async () => {
    const { primary, secondary } = await begin();
    const before = readlinkSync(secondary.paths.running);
    // Slow enough that the kill falls into the transfer of a megabyte.
    primary.exec("tc qdisc add dev eth0 root tbf rate 2mbit burst 32k latency 2s".split(" "));
    primary.save(services(50), script("x".repeat(1_000_000)));
    const applying = apply(primary);
    await until(
      "the peer's receive command takes the push",
      () => processesWith(secondary, "receive"),
      (pids) => pids.length > 0,
    );
    await pause(1000);
    secondary.stopSshd();
    const { peer } = await applying;
    console.log(peer);
    assert.notEqual(peer.state, "in-sync");
    assert.equal(readlinkSync(secondary.paths.running), before);
    assert.equal(secondary.inForce(), services(100));
    await until(
      "the peer says that the request broke off",
      () => secondary.control("GET /events"),
      (events) => /broke off before it was whole/.test(JSON.stringify(events)),
    );
    primary.exec("tc qdisc del dev eth0 root".split(" "));
    await secondary.startSshd();
    await primary.reaches("in-sync");
    assert.equal(secondary.inForce(), services(50));
  });

  test("the peer's replicator killed at any moment of a push: old or new in force, never a mixture", async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    const random = createRandom(seed);
    const { primary, secondary } = await begin();
    // How long an undisturbed push takes now decides where the kills fall: within it or just after.
    primary.save(services(9));
    const began = performance.now();
    await apply(primary);
    const undisturbed = performance.now() - began;
    console.log(`seed ${seed}; undisturbed ${Math.round(undisturbed)} ms`);
    for (let round = 0; round < 8; round += 1) {
      const next = services(10 + round);
      const check = script(`round ${round}`);
      const was = secondary.inForce();
      primary.save(next, check);
      const pids = processesWith(secondary, "--state");
      assert.ok(pids.length > 0);
      const applying = apply(primary);
      const delay = random() * 1.5 * undisturbed;
      await pause(delay);
      killAll(pids);
      await applying;
      const now = secondary.inForce();
      const isNew = now === next;
      console.log(`killed after ${Math.round(delay)} ms: ${isNew ? "new" : "old"} in force`);
      assert.ok(isNew || now === was);
      const folder = secondary.paths.runningHealthChecks;
      assert.equal(readFileSync(`${folder}/IBM-WHI`, "utf8") === check, isNew, "of one piece");
      await secondary.startDaemon();
      await primary.reaches("in-sync");
      assert.equal(secondary.inForce(), next);
      assert.equal(readFileSync(secondary.paths.servicesFile, "utf8"), next);
      assert.equal(readdirSync(secondary.paths.state).includes("staging"), false);
    }
  });
});

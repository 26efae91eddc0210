// replicator-modes.test.ts — operators' modes that end by themselves, on both nodes (F4, A11).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  type EventRecord,
  type ModeAnswer,
  type ModeEntry,
  parseModes,
  RefusalError,
} from "@lbpair/common";
import type { Appliance } from "./replicator-appliance.js";
import { pairOfEachTest } from "./replicator-pair.js";
import { orSkip, until } from "./replicator-tools.js";

const order = (appliance: Appliance, body: object): Promise<ModeAnswer> =>
  appliance.control("POST /mode", {
    servers: ["VNA/PrimaryCluster"],
    ...body,
  }) as Promise<ModeAnswer>;

function entriesOf(appliance: Appliance): readonly ModeEntry[] {
  const parsed = parseModes(readFileSync(appliance.paths.modesFile, "utf8"));
  assert(parsed.ok);
  return parsed.value.modes;
}

const bothAre = (nodes: readonly Appliance[], mode: string | undefined) =>
  until(
    `both nodes have ${mode ?? "online"}`,
    () => nodes.map((node) => entriesOf(node)[0]?.mode),
    (modes) => modes.every((one) => one === mode),
  );

const textsOf = async (appliance: Appliance): Promise<string[]> =>
  ((await appliance.control("GET /events?after=0")) as EventRecord[])
    .filter(({ event }) => event === "mode-set" || event === "mode-went-on")
    .map(({ text }) => text);

describe("F4, A11: operators' modes with memory", orSkip("replicator-modes"), () => {
  const begin = pairOfEachTest();

  test("a halt set on the secondary carries who, why and until on both nodes, and ends by itself on both", async () => {
    const { primary, secondary } = await begin();
    const began = performance.now();
    const answer = await order(secondary, {
      mode: "halt",
      by: "anna",
      reason: "new firmware",
      forMs: 3000,
    });
    assert.equal(answer.changes[0]?.mode, "halt");
    const [here] = entriesOf(primary);
    console.log("seen:", JSON.stringify(here));
    assert.equal(here?.by, "anna");
    assert.equal(here.reason, "new firmware");
    assert.equal(here.until, answer.changes[0]?.until);
    assert.deepEqual(entriesOf(secondary), entriesOf(primary));
    await bothAre([primary, secondary], undefined);
    const tookMs = performance.now() - began;
    console.log(`seen: online again on both after ${Math.round(tookMs)} ms`);
    assert.ok(tookMs >= 2000 && tookMs < 8000);
    const texts = await textsOf(primary);
    console.log("seen:", texts.join("\nseen: "));
    assert.match(texts[0] ?? "", /halt \(was online\) by anna, online again in .*: new firmware$/);
    assert.match(texts[1] ?? "", /online again \(was halt by anna\): it was set until /);
    assert.equal(primary.reloads.filter((daemon) => daemon === "forwarder").length >= 2, true);
  });

  test("two nodes that cannot reach each other each end it, and agree when they meet again", async () => {
    const { primary, secondary } = await begin();
    await order(primary, { mode: "drain", by: "ben", forMs: 6000, withinMs: 2000 });
    primary.stopSshd();
    secondary.stopSshd();
    await bothAre([primary, secondary], "halt");
    assert.deepEqual(entriesOf(secondary), entriesOf(primary));
    assert.equal(entriesOf(primary)[0]?.by, "ben");
    await bothAre([primary, secondary], undefined);
    await primary.startSshd();
    await secondary.startSshd();
    await primary.reaches("in-sync");
    const files = [primary, secondary].map((node) => readFileSync(node.paths.modesFile, "utf8"));
    assert.equal(files[0], files[1]);
  });

  test("a newer word is not ended by the end of an older one", async () => {
    const { primary, secondary } = await begin();
    await order(primary, { mode: "halt", by: "anna", forMs: 2000 });
    await order(secondary, { mode: "halt", by: "ben" });
    await new Promise((resolve) => setTimeout(resolve, 6000));
    for (const node of [primary, secondary]) {
      const [entry] = entriesOf(node);
      assert.equal(entry?.by, "ben");
      assert.equal(entry.until, undefined);
    }
  });

  test("F3: a service that is held is held on both nodes, whoever said it, and so is its release", async () => {
    const { primary, secondary } = await begin();
    const heldOf = (node: Appliance) => {
      const parsed = parseModes(readFileSync(node.paths.modesFile, "utf8"));
      return parsed.ok ? parsed.value.held : [];
    };
    const hold = [{ service: "VNA", reason: "PrimaryCluster: no answer" }];
    await secondary.control("POST /hold", { hold });
    assert.equal(heldOf(primary)?.[0]?.reason, "PrimaryCluster: no answer");
    await order(primary, { mode: "drain", by: "anna" });
    assert.deepEqual(heldOf(secondary), heldOf(primary));
    await assert.rejects(primary.control("POST /hold", { release: ["VNB"] }), (error) => {
      assert(error instanceof RefusalError);
      assert.match(error.problems[0]?.want ?? "", /held: VNA/);
      return true;
    });
    await secondary.control("POST /hold", { release: ["VNA"], by: "ben" });
    for (const node of [primary, secondary]) {
      assert.equal(heldOf(node), undefined);
      assert.equal(entriesOf(node)[0]?.by, "anna");
    }
  });

  test("an end that has passed, and a server that is not there, are refused and change nothing", async () => {
    const { primary } = await begin();
    const past = { mode: "halt", until: "2020-01-01T00:00:00Z" };
    await assert.rejects(order(primary, past), /a point in time to come/);
    const servers = ["VNA/PrimaryCluster", "VNA/nobody"];
    await assert.rejects(order(primary, { servers, mode: "halt" }), /want one of PrimaryCluster/);
    await assert.rejects(order(primary, { mode: "halt", withinMs: 5 }), /refused/);
    assert.equal((await order(primary, { mode: "online" })).changes[0]?.was, "online");
  });
});

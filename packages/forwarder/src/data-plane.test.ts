// data-plane.test.ts — promises of data-plane.ts, with a table and connections that fail on demand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog, millis } from "@lbpair/common";
import { DataPlane, type Wish } from "./data-plane.js";
import { distribute } from "./distribution.js";
import { describeElements } from "./element-plan.js";
import { CONFIGURED, type Elements } from "./elements.js";
import type { FlowKeeper } from "./flow-keeper.js";
import type { NftTable } from "./nft.js";
import { NO_PASSAGES } from "./passage-elements.js";
import type { PresentTable } from "./present-table.js";
import { server, service, verdicts } from "./testing/services.js";

const wish = (mode: "online" | "halt"): Wish => ({
  distributions: distribute([service([server("a", { mode }), server("b")])], verdicts([])),
  floatingIps: ["192.168.200.100"],
  arms: ["eth0"],
  passages: NO_PASSAGES,
});

function bench() {
  let now = 1000;
  let table: readonly Elements[] | null = null;
  const broken = { nft: false, flows: false };
  const took = { load: 0, list: 0 };
  const seen: string[] = [];
  const events: string[] = [];
  const present: PresentTable = {
    named: new Map(),
    chains: new Set(["rules_1"]),
    rules: "",
    cuts: 0,
  };
  const nft: NftTable = {
    async list(onElement) {
      now += took.list;
      if (broken.nft) throw new Error("nft is broken");
      for (const part of table ?? []) {
        for (const set of CONFIGURED) {
          for (const [key, value] of part[set]) onElement(set, key, value, null);
        }
      }
      return table === null ? null : present;
    },
    async listRules() {
      seen.push("read");
      if (broken.nft) throw new Error("nft is broken");
      return table === null ? null : present;
    },
    knows: () => true,
    async load(parts) {
      seen.push("load");
      if (broken.nft) throw new Error("nft is broken");
      now += took.load;
      table = [...parts];
    },
    async change() {
      seen.push("change");
    },
    listSet: () => Promise.reject(new Error("not asked for here")),
    add: () => Promise.resolve(),
    isOwn: () => true,
  };
  const gate = { open: Promise.resolve() };
  const step = (what: string) => async () => {
    await gate.open;
    seen.push(what);
    if (broken.flows) throw new Error("conntrack is missing");
  };
  const flows: FlowKeeper = {
    endStrays: step("endStrays"),
    pin: () => step("pin")().then(() => []),
    dropUntranslated: step("dropUntranslated"),
    forget: step("forget"),
    cut: async () => 0,
  };
  const plane = new DataPlane(
    {
      family: 4,
      nft,
      flows,
      clock: { now: () => millis(now), wall: () => new Date(0) },
      log: createLog("forwarder", "error"),
      event: (_, event) => {
        events.push(event);
      },
    },
    new Map(),
  );
  const pass = (ms: number) => {
    now += ms;
    return millis(now);
  };
  const lose = () => {
    table = null;
  };
  const times = (what: string) => seen.filter((each) => each === what).length;
  return { plane, broken, gate, took, seen, events, pass, lose, times };
}

test("connections that cannot be ended take no change back, and are tried again", async () => {
  const { plane, broken, events, times } = bench();
  await plane.apply(wish("online"));
  broken.flows = true;
  const applied = await plane.apply(wish("halt"));
  assert.ok(applied.changed > 0);
  assert.deepEqual(plane.wish, wish("halt"));
  await plane.connections.settle();
  assert.deepEqual(events, ["connections-not-ended"], "told once");
  broken.flows = false;
  const before = times("endStrays");
  await plane.connections.settle();
  await plane.connections.settle();
  console.log("seen:", events.join(" "), times("endStrays") - before);
  assert.equal(times("endStrays") - before, 1);
});

test("who orders what another order is just bringing waits until its flows have ended", async () => {
  const { plane, gate, seen } = bench();
  await plane.apply(wish("online"));
  let letGo = () => undefined as unknown;
  gate.open = new Promise((resolve) => {
    letGo = () => resolve();
  });
  const first = plane.apply(wish("halt"));
  const second = plane.apply(wish("halt")).then((applied) => {
    seen.push(`second changed ${applied.changed}`);
  });
  await new Promise((resolve) => setImmediate(resolve));
  letGo();
  await Promise.all([first, second]);
  assert.deepEqual(seen.slice(-2), ["endStrays", "second changed 0"]);
});

test("connections that could not be forgotten are forgotten later, unless active by then", async () => {
  const { plane, broken, times } = bench();
  await plane.apply(wish("online"));
  broken.flows = true;
  let passive = true;
  await plane.connections.forget("a test", () => passive);
  broken.flows = false;
  await plane.connections.settle();
  await plane.connections.settle();
  assert.equal(times("forget"), 2);
  broken.flows = true;
  await plane.connections.forget("a test", () => passive);
  passive = false;
  await plane.connections.settle();
  console.log("seen: forgotten", times("forget"), "times");
  assert.equal(times("forget"), 3);
});

test("a table that could not be restored counts as present again once it is", async () => {
  const { plane, broken, pass, lose } = bench();
  await plane.apply(wish("online"));
  lose();
  broken.nft = true;
  await assert.rejects(plane.restore(pass(5000)));
  assert.equal(plane.table.present, false);
  broken.nft = false;
  await plane.compare(pass(5000));
  console.log("seen:", plane.table);
  assert.equal(plane.table.present, true);
});

test("a loss found by comparing is no table present while it cannot be loaded", async () => {
  const { plane, lose, broken, took, pass } = bench();
  await plane.apply(wish("online"));
  lose();
  Object.defineProperty(took, "load", {
    get: () => {
      throw new Error("the kernel refuses");
    },
  });
  await assert.rejects(plane.compare(pass(5000)), /refuses/);
  assert.equal(broken.nft, false);
  assert.equal(plane.table.present, false);
});

test("the late echo of a large load of our own loads nothing again", async () => {
  const { plane, took, pass, times, events } = bench();
  took.load = 2000;
  await plane.apply(wish("online"));
  await plane.restore(pass(1000));
  console.log("seen:", times("load"), "loads", events.join(" "));
  assert.equal(times("load"), 1);
});

test("many touches while a comparison waits become one comparison", async () => {
  const { plane, times, pass } = bench();
  await plane.apply(wish("online"));
  const before = times("read");
  const at = pass(5000);
  await Promise.all(Array.from({ length: 100 }, () => plane.compare(at)));
  console.log("seen:", times("read") - before, "readings");
  assert.equal(times("read") - before, 1);
});

test("counts of thousands of elements that go at once are kept without a pause", async () => {
  const { plane } = bench();
  const many = Array.from({ length: 2000 }, (_, index) => {
    const address = `10.0.${index >> 8}.${index & 255}`;
    return service([server("a", { id: `s${index}/a` })], { label: `s${index}`, address });
  });
  const distributions = distribute(many, verdicts([]));
  await plane.apply({ distributions, floatingIps: [], arms: [], passages: NO_PASSAGES });
  await plane.apply({ distributions: [], floatingIps: [], arms: [], passages: NO_PASSAGES });
  const began = performance.now();
  for (const { service: gone } of distributions) {
    const key = `${gone.address} . tcp . 80`;
    plane.credit({ set: "services", key, value: "", packets: 3, bytes: 180 });
  }
  const { past } = plane;
  const took = performance.now() - began;
  console.log(`seen: ${past.size} counts kept in ${Math.round(took)} ms`);
  assert.equal(past.size, 2000);
  assert.equal(past.get("s7")?.connections, 3);
  assert.ok(took < 1000);
});

test("a preview says what the change will say, and changes nothing", async () => {
  const { plane, times } = bench();
  await plane.apply(wish("online"));
  const before = times("change");
  const preview = await plane.preview(wish("halt"));
  assert.equal(times("change"), before);
  assert.deepEqual(plane.wish, wish("online"));
  const { changed } = await plane.apply(wish("halt"));
  console.log("seen:", describeElements(preview).lines.join("; "));
  assert.equal(preview.count, changed);
  assert.ok(
    describeElements(preview).lines.some((line) => /^- servers \{ \S+ : \S+ \}$/.test(line)),
  );
  assert.equal((await plane.preview(wish("halt"))).count, 0);
});

test("a large table that somebody touched is compared when its turn comes, a small one at once", async () => {
  const { plane, took, pass, times } = bench();
  await plane.apply(wish("online"));
  const read = () => times("read");
  const small = read();
  await plane.touched();
  assert.equal(read() - small, 1);
  took.list = 5000;
  await plane.compare(pass(1000));
  const large = read();
  await plane.touched();
  await plane.compareAtLeisure();
  assert.equal(read() - large, 0);
  pass(20 * 5000 + 1);
  await plane.compareAtLeisure();
  assert.equal(read() - large, 1);
  pass(20 * 5000 + 1);
  await plane.compareAtLeisure();
  console.log("seen:", read() - large, "readings");
  assert.equal(read() - large, 1, "nobody touched it since");
});

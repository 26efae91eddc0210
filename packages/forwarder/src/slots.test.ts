// slots.test.ts — promises of slots.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chooseWay, dealSlots, dealTurns, quotas, type SlotServer, slotOf } from "./slots.js";

const servers = fc
  .uniqueArray(
    fc.record({
      host: fc.integer({ min: 1, max: 254 }),
      weight: fc.integer({ min: 1, max: 1000 }),
    }),
    {
      minLength: 2,
      maxLength: 12,
      selector: (each) => each.host,
    },
  )
  .map((list): SlotServer[] =>
    list.map(({ host, weight }) => ({ address: `10.0.0.${host}`, port: 0, weight })),
  );

const deal = (list: readonly SlotServer[], gone: ReadonlySet<number>) =>
  dealSlots(
    list,
    (index) => !gone.has(index),
    chooseWay(
      "flow",
      list.map((each) => each.weight),
    ).size,
  );

test("quotas add up to the table and follow the weights to within one slot", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 64 }),
      (weights) => {
        const total = weights.reduce((a, b) => a + b, 0);
        const shares = quotas(weights, 1024);
        assert.equal(
          shares.reduce((a, b) => a + b, 0),
          1024,
        );
        shares.forEach((share, index) => {
          assert.ok(Math.abs(share - ((weights[index] ?? 0) * 1024) / total) < 1);
        });
      },
    ),
  );
});

test("losing a server moves its own slots only, whoever was lost before", () => {
  fc.assert(
    fc.property(servers, fc.nat(), fc.nat(), (list, first, second) => {
      const [lost, alsoLost] = [first % list.length, second % list.length];
      const one = deal(list, new Set([lost]));
      deal(list, new Set()).forEach((owner, slot) => {
        if (owner !== lost) assert.equal(one[slot], owner);
        else assert.notEqual(one[slot], lost);
      });
      if (lost === alsoLost || list.length < 3) return;
      deal(list, new Set([lost, alsoLost])).forEach((owner, slot) => {
        if (one[slot] !== alsoLost) assert.equal(owner, one[slot]);
      });
    }),
    { numRuns: 60 },
  );
});

test("with all servers serving every share is exactly its quota", () => {
  fc.assert(
    fc.property(servers, (list) => {
      const weights = list.map((each) => each.weight);
      const { size } = chooseWay("flow", weights);
      const table = deal(list, new Set());
      quotas(weights, size).forEach((share, index) => {
        assert.equal(table.filter((owner) => owner === index).length, share);
      });
    }),
    { numRuns: 60 },
  );
});

test("the order of servers in the file moves no slot", () => {
  fc.assert(
    fc.property(servers, (list) => {
      const backwards = [...list].reverse();
      const weights = list.map((each) => each.weight);
      // Equal remainders are dealt by place, so only lists without a tie are compared.
      fc.pre(new Set(weights).size === weights.length);
      const there = deal(list, new Set()).map((index) => list[index]?.address);
      const back = deal(backwards, new Set()).map((index) => backwards[index]?.address);
      const moved = there.filter((address, slot) => address !== back[slot]).length;
      assert.ok(moved <= 2 * list.length, `${moved} of ${there.length}`);
    }),
    { numRuns: 60 },
  );
});

test("adding a fourth equal server moves little more than its own share", () => {
  const three = [1, 2, 3].map((host) => ({ address: `10.0.0.${host}`, port: 0, weight: 100 }));
  const four = [...three, { address: "10.0.0.4", port: 0, weight: 100 }];
  const before = dealSlots(three, () => true, 1024);
  const after = dealSlots(four, () => true, 1024);
  const moved = after.filter((owner, slot) => owner !== before[slot]).length;
  console.log(`seen: ${moved} of 1024 slots moved, 256 had to`);
  assert.ok(moved < 1.35 * 256);
});

test("a round of turns has every server exactly as often as its quota, and evenly spread", () => {
  fc.assert(
    fc.property(servers, (list) => {
      const weights = list.map((each) => each.weight);
      const { size } = chooseWay("turn", weights);
      const round = dealTurns(weights, size);
      quotas(weights, size).forEach((share, index) => {
        const turns = round.flatMap((owner, slot) => (owner === index ? slot : []));
        assert.equal(turns.length, share);
        // In any part of a round nobody is far from its share of that part.
        turns.forEach((slot, k) => {
          assert.ok(Math.abs(k + 1 - ((slot + 1) * share) / size) <= list.length);
        });
      });
    }),
    { numRuns: 60 },
  );
});

test("removing a server from the configuration moves its share and at most a few slots more", () => {
  let more = 0;
  let runs = 0;
  fc.assert(
    fc.property(servers, fc.nat(), (list, which) => {
      fc.pre(list.length > 2);
      const gone = which % list.length;
      const rest = list.filter((_, index) => index !== gone);
      const before = dealSlots(list, () => true, 1024).map((index) => list[index]?.address);
      const after = dealSlots(rest, () => true, 1024).map((index) => rest[index]?.address);
      const moved = before.filter(
        (owner, slot) => owner !== list[gone]?.address && owner !== after[slot],
      ).length;
      more += moved / 1024;
      runs += 1;
      assert.ok(moved <= 0.05 * 1024, `${moved} of 1024 slots besides its own`);
    }),
    { numRuns: 60 },
  );
  console.log(`seen: ${((100 * more) / runs).toFixed(2)} % more than its share`);
  assert.ok(more / runs < 0.015);
});

test("a lopsided pair gets the large table, an even pair the small one", () => {
  assert.equal(chooseWay("flow", [100, 100]).size, 64);
  assert.equal(chooseWay("source", [990, 10]).size, 1024);
  assert.equal(chooseWay("flow", [100, 0]).size, 64);
  assert.equal(chooseWay("turn", [100, 100]).size, 61);
});

// Recorded from a kernel 6.18 with `jhash ip saddr . th sport mod N seed 0x6c627069`.
const KERNEL_SLOTS = [
  ["192.168.200.50", 40000, 1024, 14],
  ["192.168.200.50", 40001, 64, 28],
  ["192.168.200.50", 40001, 1024, 450],
  ["10.1.2.3", 65535, 64, 55],
  ["10.1.2.3", 65535, 1024, 887],
] as const;

test("in turns a packet does not say its slot; by source the port makes no difference", () => {
  const way = (kind: "turn" | "source") => chooseWay(kind, [100, 100]);
  assert.equal(slotOf("10.1.2.3", 80, way("turn")), undefined);
  assert.equal(slotOf("10.1.2.3", 80, way("source")), slotOf("10.1.2.3", 81, way("source")));
});

test("a packet's slot is the kernel's", () => {
  for (const [client, port, size, slot] of KERNEL_SLOTS) {
    assert.equal(
      slotOf(client, port, { name: "", kind: "flow", size }),
      slot,
      `${client}:${port} of ${size}`,
    );
  }
});

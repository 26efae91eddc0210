// fingerprints.test.ts — promises of fingerprints.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fingerprints } from "./fingerprints.js";

test("a million texts that differ little are a million, and none other is among them", () => {
  const prints = new Fingerprints();
  const keys = function* (): Generator<readonly [number, string, string]> {
    for (let i = 0; i < 250_000; i += 1) {
      const key = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255} . tcp . 80`;
      yield [3, key, ""];
      yield [4, key, ""];
      yield [3, key, "0:1"];
      yield [3, key, "0:2"];
    }
  };
  for (const each of keys()) prints.add(...each);
  assert.equal(prints.size, 1_000_000);
  let strangers = 0;
  for (const [group, key, value] of keys()) {
    if (prints.wasSeen(group, key, value) || prints.see(group + 2, key, value)) strangers += 1;
  }
  console.log(`seen: ${prints.size} texts, ${strangers} mistaken for one`);
  assert.equal(strangers, 0);
});

test("what was never seen is told from what was, across growth", () => {
  const prints = new Fingerprints();
  for (let i = 0; i < 100; i += 1) prints.add(0, `k${i}`, "");
  for (let i = 0; i < 50; i += 1) assert.ok(prints.see(0, `k${i}`, ""));
  assert.ok(prints.see(0, "k0", ""), "seeing twice is seeing");
  for (let i = 100; i < 5000; i += 1) prints.add(0, `k${i}`, "");
  assert.equal(prints.unseen, 4950);
  assert.ok(prints.wasSeen(0, "k49", ""));
  assert.ok(!prints.wasSeen(0, "k50", ""));
  assert.ok(!prints.wasSeen(0, "k4999", ""));
});

// golden.test.ts — every golden case's elements come out of the pure core as the kernel listed them.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { CONFIGURED, elementText } from "./elements.js";
import { GOLDEN, listedElements, readCase, wantedOf } from "./testing/golden-cases.js";

for (const name of readdirSync(GOLDEN)) {
  test(`golden ${name}: wanted elements are those of expected.nft`, () => {
    const golden = readCase(name);
    const wanted = wantedOf(golden);
    const listed = listedElements(golden.expected);
    for (const set of CONFIGURED) {
      const lines = [...wanted[set]].map(([key, value]) => elementText(set, key, value));
      assert.deepEqual(lines.sort(), listed.get(set) ?? [], set);
    }
  });
}

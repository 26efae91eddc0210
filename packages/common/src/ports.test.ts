// ports.test.ts — ports end where ports end.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatPortRange,
  formatPorts,
  listPorts,
  parsePortRange,
  portRangesOverlap,
} from "./ports.js";

const port = fc.integer({ min: 1, max: 65_535 });
const range = fc
  .tuple(port, port)
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));

test("1 and 65535 are ports; 0, 65536, fractions and words are none", () => {
  for (const good of [1, 65_535, "1", "65535", "1-65535"])
    assert.ok(parsePortRange(good), `${good}`);
  const bad = [
    0,
    65_536,
    -1,
    1.5,
    Number.NaN,
    "0",
    "65536",
    "2-1",
    "1-",
    "-1",
    "a",
    "1-2-3",
    "1,2",
    "",
  ];
  for (const value of bad) assert.equal(parsePortRange(value), undefined, JSON.stringify(value));
});

test("a range survives being written and read", () => {
  fc.assert(fc.property(range, (r) => assert.deepEqual(parsePortRange(formatPortRange(r)), r)));
});

test("two ranges overlap exactly when they share a port", () => {
  const small = fc
    .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 9 }))
    .map(([first, more]) => ({ first, last: first + more }));
  fc.assert(
    fc.property(small, small, (a, b) => {
      const shared = listPorts([a]).some((each) => listPorts([b]).includes(each));
      assert.equal(portRangesOverlap(a, b), shared);
    }),
  );
});

test("ports are listed and shown in the order written", () => {
  const ranges = [
    { first: 12_300, last: 12_301 },
    { first: 80, last: 80 },
  ];
  assert.deepEqual(listPorts(ranges), [12_300, 12_301, 80]);
  assert.equal(formatPorts(ranges), "12300-12301,80");
});

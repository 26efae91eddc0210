// did-you-mean.test.ts — a slip of the fingers finds its word; a different word finds none.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { didYouMean, editDistance } from "./did-you-mean.js";

test("slips are recognised: swapped, missing, doubled letters, dashes, capitals", () => {
  const known = ["keepalive", "deadtime", "virtualServices", "realServers", "fallback"];
  const slips = {
    keepalvie: "keepalive",
    deadtme: "deadtime",
    "virtual-services": "virtualServices",
    RealServers: "realServers",
    fallbakc: "fallback",
  };
  for (const [word, meant] of Object.entries(slips)) assert.equal(didYouMean(word, known), meant);
});

test("two neighbours that are swapped are one step, as two other changes are two", () => {
  assert.equal(editDistance("deadtime", "daedtime"), 1);
  assert.equal(editDistance("abcd", "xbcy"), 2);
});

test("a different word, an endless one and an empty list find nothing", () => {
  assert.equal(didYouMean("banana", ["keepalive", "deadtime"]), undefined);
  assert.equal(didYouMean("x".repeat(1_000_000), ["keepalive"]), undefined);
  assert.equal(didYouMean("keepalive", []), undefined);
});

test("the distance is symmetric and zero only for equal words", () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
    }),
  );
});

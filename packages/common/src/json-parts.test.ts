// json-parts.test.ts — promises of json-parts.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonParts } from "./json-parts.js";

test("the pieces are JSON.stringify's text, whatever the value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(fc.jsonValue(), { maxLength: 350 }), (value, list) => {
      for (const each of [value, list, { a: value, list, none: undefined }, {}, { list }]) {
        assert.equal([...jsonParts(each)].join(""), JSON.stringify(each));
      }
    }),
    { numRuns: 200 },
  );
});

test("no piece of a long list is long", () => {
  const services = Array.from({ length: 10_000 }, (_, i) => ({ label: `s${i}`, ports: "80" }));
  const longest = Math.max(...[...jsonParts({ ok: true, services })].map((part) => part.length));
  console.log(`seen: pieces of at most ${longest} characters`);
  assert.ok(longest < 10_000);
});

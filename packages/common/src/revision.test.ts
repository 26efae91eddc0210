// revision.test.ts — equal content has an equal hash, whatever order it comes in; different content has not.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contentHash, HASH_DIGITS, revisionName, sameRevision } from "./revision.js";

const files = fc.uniqueArray(fc.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 20 })), {
  selector: ([name]) => name,
  maxLength: 6,
});

test("the hash does not depend on the order of the files", () => {
  fc.assert(
    fc.property(files, (entries) => {
      const hash = contentHash(new Map(entries));
      assert.match(hash, new RegExp(`^[0-9a-f]{${HASH_DIGITS}}$`));
      assert.equal(contentHash(new Map([...entries].reverse())), hash);
    }),
  );
});

test("a changed, added, removed, renamed or split file changes the hash", () => {
  const hashes = [
    [],
    [["a", ""]],
    [["a", "x"]],
    [["b", "x"]],
    [
      ["a", "x"],
      ["b", ""],
    ],
    [
      ["a", ""],
      ["b", "x"],
    ],
    [["a", "xb"]],
  ].map((entries) => contentHash(new Map(entries as [string, string][])));
  assert.equal(new Set(hashes).size, hashes.length);
});

test("a revision equals one of the same serial and hash only; nothing equals none", () => {
  const id = { serial: 12, hash: "4f0a4f0a4f0a4f0a" };
  assert.ok(sameRevision(id, { ...id }));
  assert.ok(!sameRevision(id, { ...id, serial: 13 }));
  assert.ok(!sameRevision(null, null));
  assert.equal(revisionName(id), "12-4f0a4f0a4f0a4f0a");
});

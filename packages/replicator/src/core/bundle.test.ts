import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sha256 } from "../sha256.js";
import {
  BUNDLE_FILE_BYTES_MAX,
  BUNDLE_FILES_MAX,
  type BundleFile,
  type ManifestEntry,
  packBundle,
  unpackBundle,
} from "./bundle.js";
import { isReplicatedName, OWNERSHIP, type ReplicatedName } from "./ownership.js";

const files: BundleFile[] = [
  { name: "services.yaml", mode: 0o644, text: "virtualServices: []\n" },
  { name: "health-checks/IBM", mode: 0o755, text: "#!/bin/sh\necho ü\n" },
];

/** Codes of the problems that a changed first entry leads to. */
function codesOf(change: Partial<Record<keyof ManifestEntry | "type", unknown>>): string[] {
  const { manifest, body } = packBundle(files, sha256);
  const changed = manifest.map((entry, i) => (i === 0 ? { ...entry, ...change } : entry));
  const unpacked = unpackBundle(changed, body, sha256);
  return unpacked.ok ? [] : unpacked.problems.map((problem) => problem.code);
}

test("a bundle comes out as it went in, in name order", () => {
  const { manifest, body } = packBundle(files, sha256);
  const unpacked = unpackBundle(JSON.parse(JSON.stringify(manifest)), body, sha256);
  assert.ok(unpacked.ok);
  assert.deepEqual(unpacked.files, [files[1], files[0]]);
});

test("every path that could leave the folder or name a local file is refused", () => {
  const hostile = [
    "../services.yaml",
    "health-checks/../appliance.yaml",
    "health-checks/..",
    "health-checks/a/b",
    "health-checks/",
    "health-checks",
    "/etc/passwd",
    "appliance.yaml",
    "secrets",
    "secrets/heartbeat.key",
    "services.yaml\n",
    "health-checks/a\0b",
    "health-checks/-rf",
    "health-checks/.hidden",
    "constructor",
    "__proto__",
    "",
    `health-checks/${"x".repeat(101)}`,
  ];
  for (const name of hostile) assert.deepEqual(codesOf({ name }), ["not-permitted"], name);
});

test("links, strange modes, false sizes and false hashes are refused", () => {
  assert.deepEqual(codesOf({ type: "symlink" }), ["unknown-key"]);
  assert.deepEqual(codesOf({ mode: 0o4755 }), ["not-permitted"]);
  assert.deepEqual(codesOf({ mode: 0o666 }), ["not-permitted"]);
  assert.deepEqual(codesOf({ bytes: 1 }), ["wrong-value"]);
  assert.deepEqual(codesOf({ bytes: -1 }), ["wrong-value"]);
  assert.deepEqual(
    codesOf({ bytes: BUNDLE_FILE_BYTES_MAX + 1 }),
    ["file-too-large", "wrong-value"].slice(0, 1),
  );
  assert.deepEqual(codesOf({ sha256: "0".repeat(64) }), ["wrong-value"]);
  assert.deepEqual(codesOf({ sha256: 7 }), ["wrong-value"]);
  assert.deepEqual(codesOf({ name: "services.yaml", mode: 0o644 }), ["duplicate"]);
});

test("too many files are refused before any is looked at", () => {
  const many = Array.from({ length: BUNDLE_FILES_MAX + 1 }, () => ({}));
  const unpacked = unpackBundle(many, new Uint8Array(0), sha256);
  assert.ok(!unpacked.ok && unpacked.problems.length === 1);
});

test("contents that are not text are refused", () => {
  const body = new Uint8Array([0xff, 0xfe]);
  const entry = { name: "services.yaml", mode: 0o644, bytes: 2, sha256: sha256(body) };
  const unpacked = unpackBundle([entry], body, sha256);
  assert.ok(!unpacked.ok && unpacked.problems[0]?.code === "not-text");
});

test("whatever a peer sends is a bundle or a list of problems, never a crash", () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  fc.assert(
    fc.property(fc.jsonValue(), fc.uint8Array({ maxLength: 50 }), (manifest, body) => {
      const unpacked = unpackBundle(manifest, body, sha256);
      assert.ok(unpacked.ok ? Array.isArray(manifest) : unpacked.problems.length > 0);
    }),
    { seed, numRuns: 500 },
  );
});

test("only files of class replicated may enter a bundle, by type and at run time", () => {
  const right: ReplicatedName[] = [
    "services.yaml",
    "modes.yaml",
    "revision.json",
    "health-checks/x",
  ];
  // @ts-expect-error a local file's name is not a replicated name
  const local: ReplicatedName = "appliance.yaml";
  // @ts-expect-error nor is that of a secret
  const secret: ReplicatedName = "secrets/replication.key";
  // @ts-expect-error nor is a folder by itself
  const folder: ReplicatedName = "health-checks";
  assert.ok(right.every(isReplicatedName));
  assert.ok(![local, secret, folder].some(isReplicatedName));
  for (const [name, ownership] of Object.entries(OWNERSHIP)) {
    if (ownership === "local") assert.equal(isReplicatedName(name), false, name);
  }
});

// replace-file.test.ts — a file is the old one or the new one, and a failure leaves the old.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { replaceFile } from "./replace-file.js";

const folder = await mkdtemp(join(tmpdir(), "lbpair-replace-"));
after(() => rm(folder, { recursive: true }));

test("the new content and mode are in place, and nothing else is left in the folder", async () => {
  const file = join(folder, "a");
  await replaceFile(file, "one");
  await replaceFile(file, "two", { mode: 0o600 });
  assert.equal(await readFile(file, "utf8"), "two");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ["a"]);
});

test("where the replacement fails the old stays, and the error names both files", async () => {
  const taken = join(folder, "taken");
  await mkdir(join(taken, "inside"), { recursive: true });
  await assert.rejects(replaceFile(taken, "x"), /cannot replace .*taken by .*taken\.new-/);
  assert.ok((await stat(taken)).isDirectory());
  await assert.rejects(replaceFile(join(folder, "none", "x"), "x"), /ENOENT/);
  assert.deepEqual((await readdir(folder)).sort(), ["a", "taken"]);
});

test("a temporary file left by a dead process of the same pid is no obstacle", async () => {
  const file = join(folder, "b");
  for (let i = 0; i < 50; i += 1) await writeFile(`${file}.new-${process.pid}-${i}`, "stale");
  await replaceFile(file, "fresh");
  assert.equal(await readFile(file, "utf8"), "fresh");
});

test("many writers at once leave one whole content", async () => {
  const file = join(folder, "c");
  const contents = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(10_000));
  await Promise.all(contents.map((content) => replaceFile(file, content)));
  assert.ok(contents.includes(await readFile(file, "utf8")));
});

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { readServiceFiles } from "./files-on-disk.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rep-files-"));
  mkdirSync(join(folder, "health-checks"));
  writeFileSync(join(folder, "services.yaml"), "a: 1\n");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const codes = async (): Promise<string[]> => {
  const read = await readServiceFiles(folder);
  return read.ok
    ? []
    : read.problems.map((problem) => `${problem.code} ${problem.file ?? problem.path}`);
};

test("an empty folder is an empty configuration", async () => {
  rmSync(join(folder, "services.yaml"));
  rmSync(join(folder, "health-checks"), { recursive: true });
  const read = await readServiceFiles(folder);
  assert.ok(read.ok && read.value.services === "" && read.value.scripts.size === 0);
});

test("a link is refused, so that no local file can be sent under a script's name", async () => {
  symlinkSync("/etc/hostname", join(folder, "health-checks", "innocent"));
  rmSync(join(folder, "services.yaml"));
  symlinkSync("/etc/hostname", join(folder, "services.yaml"));
  assert.deepEqual(await codes(), [
    "not-permitted services.yaml",
    "not-permitted health-checks/innocent",
  ]);
});

test("a 50 MB file, bytes that are no text, and odd names are all told at once", async () => {
  truncateSync(join(folder, "services.yaml"), 50 * 1024 * 1024);
  writeFileSync(join(folder, "health-checks", "binary"), Buffer.from([0xff, 0x00]));
  writeFileSync(join(folder, "health-checks", "two words"), "");
  writeFileSync(join(folder, "health-checks", "editors~"), "");
  assert.deepEqual(await codes(), [
    "file-too-large services.yaml",
    "not-text health-checks/binary",
    "not-permitted health-checks/two words",
  ]);
});

// docs.test.ts — the documents say what the program says.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { PROBLEM_CODES, runCommand } from "@lbpair/common";
import { MAIN } from "./test-appliance.js";

const DOCS = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "docs");
const read = (name: string): string => readFileSync(join(DOCS, name), "utf8");

async function printed(option: string): Promise<string> {
  const { stdout, code } = await runCommand([process.execPath, MAIN, "fields", option]);
  assert.equal(code, 0);
  return stdout;
}

test("docs/configuration.md is current: lbpair fields --markdown > docs/configuration.md", async () => {
  assert.equal(read("configuration.md"), await printed("--markdown"));
});

test("docs/cli.md is current: lbpair fields --cli > docs/cli.md", async () => {
  assert.equal(read("cli.md"), await printed("--cli"));
});

test("docs/problems.md explains every problem code, and no code that is not", () => {
  const explained = [...read("problems.md").matchAll(/^## `([a-z-]+)`$/gm)].map(
    (match) => match[1],
  );
  assert.deepEqual(explained, [...PROBLEM_CODES]);
});

test("every problem code is explained with an example and a mend", () => {
  for (const part of read("problems.md").split(/^## /m).slice(1)) {
    assert.match(part, /```\n[^`]+\n```/, part);
    assert.match(part, /^\*\*Mend:\*\* /m, part);
  }
});

// golden.ts — for tests: compares a view with its snapshot file, or rewrites it where UPDATE_GOLDEN is set.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "golden");

export function assertGolden(name: string, text: string): void {
  const file = join(FOLDER, name);
  if (process.env.UPDATE_GOLDEN !== undefined) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`);
    return;
  }
  assert.equal(`${text}\n`, readFileSync(file, "utf8"), `${name} (UPDATE_GOLDEN=1 rewrites it)`);
}

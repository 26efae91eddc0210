// finds-planted-bugs.test.ts — the simulation finds every planted bug, and replays what it found.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { test } from "node:test";
import { PLANTED_BUGS, plant } from "./planted-bugs.js";

const LIMIT_MS = 120_000;

for (const bug of PLANTED_BUGS) {
  test(`found: ${bug.name}`, async () => {
    const { folder, main } = await plant(bug);
    try {
      const run = (...args: string[]) =>
        spawnSync(process.execPath, [main, ...args], { encoding: "utf8", timeout: LIMIT_MS });
      const { stdout, stderr, status } = run(
        "--seeds",
        String(bug.seeds),
        "--jobs",
        "2",
        "--broken",
        "1",
      );
      const seed = /replays with: npm run sim -- --seed (\d+)/.exec(stdout)?.[1];
      assert.ok(
        seed !== undefined && status === 1,
        `nothing found in ${bug.seeds} seeds\n${stderr}`,
      );
      const again = run("--seed", seed);
      assert.equal(again.status, 1);
      console.log(`seed ${seed}: ${/BROKEN +(.*)/.exec(again.stdout)?.[1]}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

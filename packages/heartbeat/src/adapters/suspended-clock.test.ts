// suspended-clock.test.ts — promises of suspended-clock.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseUptimeMs, readSuspendedMs } from "./suspended-clock.js";

test("seconds since boot are read as milliseconds", () => {
  assert.equal(parseUptimeMs("350735.47 234388.90\n"), 350_735_470);
  assert.throws(() => parseUptimeMs("soon"), /want seconds since boot, got soon/);
});

test("a machine that does not sleep shows no suspension, within the kernel's 10 ms", async () => {
  const before = readSuspendedMs() ?? Number.NaN;
  await new Promise((done) => setTimeout(done, 100));
  const slept = (readSuspendedMs() ?? Number.NaN) - before;
  console.log(`suspended ${slept.toFixed(1)} ms in 100 ms awake`);
  assert.ok(Math.abs(slept) < 25);
});

// suspended-clock.test.ts — promises of suspended-clock.ts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseUptimeMs, readSuspendedMs } from "./suspended-clock.js";

test("seconds since boot are read as milliseconds", () => {
  assert.equal(parseUptimeMs("350735.47 234388.90\n"), 350_735_470);
  assert.throws(() => parseUptimeMs("soon"), /want seconds since boot, got soon/);
});

test("a machine that does not sleep shows no suspension, within the kernel's 10 ms", async () => {
  const before = readSuspendedMs() ?? Number.NaN;
  await new Promise((done) => setTimeout(done, 1100));
  const slept = (readSuspendedMs() ?? Number.NaN) - before;
  console.log(`suspended ${slept.toFixed(1)} ms in 1.1 s awake`);
  assert.ok(Math.abs(slept) < 25);
});

test("asked a thousand times in a second, the kernel is asked once or twice, and says the same", async () => {
  const reads = () => Number(/^syscr: (\d+)$/m.exec(readFileSync("/proc/self/io", "latin1"))?.[1]);
  const before = reads();
  const said = new Set<number | undefined>();
  for (let i = 0; i < 1000; i += 1) said.add(readSuspendedMs());
  const asked = reads() - before;
  console.log(`${asked} reads, ${said.size} answers`);
  assert.ok(asked < 20 && said.size <= 2);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { INTENT_MS_MAX, onDiskInTime } from "./intent.js";

test("an order waits for the disk, and no longer than is bearable", async () => {
  assert.equal(await onDiskInTime(Promise.resolve()), true);
  const from = performance.now();
  assert.equal(await onDiskInTime(new Promise(() => undefined)), false);
  const waitedMs = performance.now() - from;
  assert.ok(waitedMs >= INTENT_MS_MAX - 5 && waitedMs < INTENT_MS_MAX + 2000, `${waitedMs} ms`);
});

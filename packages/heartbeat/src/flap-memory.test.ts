// flap-memory.test.ts — the governor's memory through a restart and through a reboot.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Millis, millis } from "@lbpair/common/light";
import { type FlapMemory, heldUntil, NO_FLAPS, noteMove } from "./core/flap-governor.js";
import { isDue, recallFlaps, rememberFlaps } from "./flap-memory.js";

const settings = { flapLimit: 2, flapWindow: 600_000, flapHold: 1_800_000 };
const held: FlapMemory = [100_000, 200_000].reduce<FlapMemory>(
  (memory, at) => noteMove(memory, at as Millis, settings),
  NO_FLAPS,
);

test("a run that starts later in the same boot goes on where the one before was", () => {
  const flaps = rememberFlaps(held, millis(260_000));
  const recalled = recallFlaps({ bootId: "b", flaps }, "b", millis(500_000));
  assert.deepEqual(recalled, held);
});

test("after a reboot a hold lasts as long as was left when it was written, whatever the clock says", () => {
  const flaps = rememberFlaps(held, millis(260_000));
  const recalled = recallFlaps({ bootId: "b", flaps }, "another", millis(9000));
  assert.equal(heldUntil(recalled, millis(9000), settings), 9000 + 1_740_000);
});

test("a memory of an older release, or none, holds nothing back", () => {
  assert.deepEqual(recallFlaps(null, "b", millis(1)), NO_FLAPS);
  assert.deepEqual(recallFlaps({ bootId: "b" }, "b", millis(1)), NO_FLAPS);
});

test("only while moves count is the memory written because time passes", () => {
  assert.equal(isDue(held, 60), true);
  assert.equal(isDue(held, 61), false);
  assert.equal(isDue(NO_FLAPS, 60), false);
});

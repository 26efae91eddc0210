// flap-governor.test.ts — moves by health are counted, held back after the limit, and remembered.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Millis, millis } from "@lbpair/common/light";
import fc from "fast-check";
import {
  type FlapMemory,
  type FlapSettings,
  fromAges,
  heldUntil,
  mayFailBack,
  movesCounted,
  NO_FLAPS,
  noteMove,
  toAges,
} from "./flap-governor.js";

const usual: FlapSettings = { flapLimit: 3, flapWindow: 600_000, flapHold: 1_800_000 };
const after = (moves: readonly number[], settings = usual): FlapMemory =>
  moves.reduce<FlapMemory>((memory, at) => noteMove(memory, millis(at), settings), NO_FLAPS);

test("the move that reaches the limit begins a hold, one before does not", () => {
  assert.equal(heldUntil(after([0, 1000]), millis(1000), usual), null);
  const held = after([0, 1000, 2000]);
  assert.equal(heldUntil(held, millis(2000), usual), 1_802_000);
  assert.equal(heldUntil(held, millis(1_801_999), usual), 1_802_000);
  assert.equal(heldUntil(held, millis(1_802_000), usual), null);
});

test("a move counts for the window and not a millisecond longer", () => {
  const memory = after([0, 1000]);
  assert.equal(movesCounted(memory, millis(599_999), usual), 2);
  assert.equal(movesCounted(memory, millis(600_000), usual), 1);
  assert.equal(heldUntil(after([0, 1000, 600_000]), millis(600_000), usual), null);
});

test("after a hold the count begins anew, whatever the window", () => {
  const settings = { flapLimit: 2, flapWindow: 600_000, flapHold: 5000 };
  const memory = after([0, 1], settings);
  assert.equal(movesCounted(memory, millis(5000), settings), 2);
  assert.equal(movesCounted(memory, millis(5001), settings), 0);
  assert.equal(heldUntil(noteMove(memory, millis(5001), settings), millis(5001), settings), null);
});

test("a move during a hold, which only the peer can make, lengthens nothing", () => {
  const held = after([0, 1000, 2000]);
  assert.deepEqual(noteMove(held, millis(900_000), usual), held);
});

test("a shorter flapHold that is put in force shortens the present hold", () => {
  const held = after([0, 1000, 2000]);
  assert.equal(heldUntil(held, millis(70_000), { ...usual, flapHold: 60_000 }), null);
});

test("auto-failback leaves the last move before a hold to health", () => {
  assert.equal(mayFailBack(NO_FLAPS, millis(0), usual), true);
  assert.equal(mayFailBack(after([0]), millis(1), usual), true);
  assert.equal(mayFailBack(after([0, 1]), millis(2), usual), false);
  assert.equal(mayFailBack(after([0, 1, 2]), millis(3), usual), false);
  assert.equal(mayFailBack(NO_FLAPS, millis(0), { ...usual, flapLimit: 1 }), true);
});

test("a restart within a boot changes nothing; a reboot makes the memory longer, never shorter", () => {
  const held = after([0, 1000, 2000]);
  const ages = toAges(held, millis(62_000));
  assert.deepEqual(fromAges(ages, 10_000, millis(72_000)), held);
  const rebooted = fromAges(ages, 0, millis(5));
  assert.equal(heldUntil(rebooted, millis(5), usual), 5 - 60_000 + 1_800_000);
});

const settingsOf = fc.record({
  flapLimit: fc.integer({ min: 1, max: 10 }),
  flapWindow: fc.integer({ min: 1000, max: 100_000 }),
  flapHold: fc.integer({ min: 1000, max: 100_000 }),
});

test("whoever asks before moving never moves more often than the limit within window or hold", () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 60 });
  fc.assert(
    fc.property(settingsOf, pauses, (settings, waits) => {
      let memory = NO_FLAPS;
      let now = 0;
      const moved: number[] = [];
      for (const wait of waits) {
        now += wait;
        if (heldUntil(memory, now as Millis, settings) !== null) continue;
        memory = noteMove(memory, now as Millis, settings);
        moved.push(now);
      }
      const span = Math.min(settings.flapWindow, settings.flapHold);
      for (const end of moved) {
        const within = moved.filter((at) => at <= end && end - at < span);
        assert.ok(within.length <= settings.flapLimit, `${within.length} moves by ${end}`);
      }
    }),
    { verbose: true },
  );
});

test("restarts at any time, at any place, change no answer within one boot", () => {
  const steps = fc.array(
    fc.record({ wait: fc.integer({ min: 0, max: 30_000 }), restart: fc.boolean() }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(settingsOf, steps, (settings, all) => {
      let through = NO_FLAPS;
      let restarted = NO_FLAPS;
      let now = 0;
      for (const { wait, restart } of all) {
        now += wait;
        const at = now as Millis;
        if (restart) {
          const written = toAges(restarted, at);
          now += 700;
          restarted = fromAges(JSON.parse(JSON.stringify(written)), 700, now as Millis);
        }
        const later = now as Millis;
        assert.equal(heldUntil(restarted, later, settings), heldUntil(through, later, settings));
        through = noteMove(through, later, settings);
        restarted = noteMove(restarted, later, settings);
      }
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Millis, millis, seconds } from "@lbpair/common";
import fc from "fast-check";
import {
  afterStart,
  FIRST_STARTS_SPREAD_MS,
  firstSlot,
  type Slot,
  withInterval,
} from "./schedule.js";
import { judge, NEVER_JUDGED, type VerdictState } from "./verdict.js";

const INTERVAL = seconds(30);
const fresh = { interval: INTERVAL, lastStart: null, servers: 1, random: 0.5 };
const slotAt = (nextStart: number): Slot => ({ nextStart: millis(nextStart), interval: INTERVAL });

test("a first check starts within a second, where chance puts it", () => {
  const at = (random: number) => firstSlot({ ...fresh, now: millis(1000), random }).nextStart;
  assert.equal(at(0), 1000);
  assert.equal(at(0.999), 1000 + FIRST_STARTS_SPREAD_MS * 0.999);
});

test("first checks of a thousand servers are spread over twenty seconds", () => {
  const facts = { ...fresh, now: millis(0), servers: 1000, random: 0.5 };
  assert.equal(firstSlot(facts).nextStart, 10_000);
});

test("a timetable of an earlier life goes on; one of the past does not", () => {
  const at = (lastStart: number) =>
    firstSlot({ ...fresh, now: millis(100_000), lastStart: millis(lastStart), random: 0 })
      .nextStart;
  assert.equal(at(99_000), 129_000);
  assert.equal(at(70_001), 100_001);
  assert.equal(at(70_000), 100_000);
  assert.equal(at(100_001), 100_000, "a start in the future is not believed");
});

test("starts stay on the grid, however late one of them was", () => {
  assert.equal(afterStart(slotAt(5000), millis(5000)).nextStart, 35_000);
  assert.equal(afterStart(slotAt(5000), millis(34_999)).nextStart, 35_000);
  assert.equal(afterStart(slotAt(5000), millis(35_000)).nextStart, 65_000);
  assert.equal(afterStart(slotAt(5000), millis(1_000_000)).nextStart, 1_025_000);
});

/** Lives through an outage with the pure parts only; answers when the verdict turned. */
function turnedAt(facts: {
  readonly firstStart: number;
  readonly outage: number;
  readonly lasts: (start: number) => number;
}): { turned: number; starts: number[] } {
  let slot = slotAt(facts.firstStart);
  let state: VerdictState = NEVER_JUDGED;
  const starts: number[] = [];
  let now: Millis = millis(facts.firstStart);
  for (;;) {
    assert.ok(slot.nextStart <= now);
    const passed = now < facts.outage;
    starts.push(now);
    slot = afterStart(slot, now);
    const end = millis(now + facts.lasts(now));
    state = judge(state, { passed, reason: "" }, { failures: 10, successes: 1 }, end);
    if (state.health === "unhealthy") return { turned: end, starts };
    now = millis(Math.max(slot.nextStart, end));
  }
}

test("every 30 s, ten failures: from outage to verdict 270 s to 300 s and one timeout, whatever a check lasts", (t) => {
  const seed = Number(process.env.LBPAIR_SEED ?? Date.now() % 2 ** 31);
  const timeout = 10_000;
  const seen = { least: Number.POSITIVE_INFINITY, most: 0 };
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 1001, max: 400_000 }),
      fc.array(fc.integer({ min: 0, max: timeout }), { minLength: 1, maxLength: 12 }),
      (firstStart, outage, durations) => {
        const lasts = (start: number) =>
          durations[Math.floor(start / 30_000) % durations.length] ?? 0;
        const { turned, starts } = turnedAt({ firstStart, outage, lasts });
        for (const start of starts) assert.equal((start - firstStart) % 30_000, 0);
        const took = turned - outage;
        seen.least = Math.min(seen.least, took);
        seen.most = Math.max(seen.most, took);
        assert(took >= 270_000 && took <= 300_000 + timeout, `took ${took} ms`);
      },
    ),
    { seed, numRuns: 500 },
  );
  t.diagnostic(`seed ${seed}: from outage to verdict ${seen.least} to ${seen.most} ms`);
});

test("a check that outlasts its interval delays the next start and no other", () => {
  const lasts = (start: number) => (start === 30_000 ? 31_000 : 100);
  const { starts } = turnedAt({ firstStart: 0, outage: 1, lasts });
  assert.deepEqual(starts.slice(0, 4), [0, 30_000, 61_000, 90_000]);
});

test("an interval of its own while checks fail moves the next start, never into the past", () => {
  // Started at 100 s, next at 130 s.
  const slot = slotAt(130_000);
  const faster = withInterval(slot, seconds(2), millis(100_500));
  assert.deepEqual(faster, { nextStart: 102_000, interval: 2000 });
  assert.deepEqual(withInterval(slot, seconds(2), millis(105_000)).nextStart, 105_000);
  assert.deepEqual(withInterval(faster, INTERVAL, millis(100_600)), slot);
  assert.equal(withInterval(slot, INTERVAL, millis(129_000)), slot);
});

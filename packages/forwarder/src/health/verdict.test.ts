import assert from "node:assert/strict";
import { test } from "node:test";
import { type Health, millis } from "@lbpair/common";
import fc from "fast-check";
import { countNeeded, declare, judge, NEVER_JUDGED, type VerdictState } from "./verdict.js";

const counting = { failures: 10, successes: 2 };
const pass = { passed: true, reason: "all 7 ports accept" };
const fail = { passed: false, reason: "closed: 12000 refused" };

const after = (results: readonly boolean[], rules = counting): VerdictState =>
  results.reduce<VerdictState>(
    (state, passed, i) => judge(state, passed ? pass : fail, rules, millis(i)),
    NEVER_JUDGED,
  );

test("one check settles a server nobody has judged, either way", () => {
  assert.equal(after([true]).health, "healthy");
  assert.equal(after([false]).health, "unhealthy");
  assert.equal(countNeeded("unknown", counting), 1);
});

test("nine failures leave a server healthy, the tenth makes it unhealthy", () => {
  const nine = after([true, ...Array<boolean>(9).fill(false)]);
  assert.deepEqual([nine.health, nine.count, nine.since], ["healthy", 9, 0]);
  const ten = after([true, ...Array<boolean>(10).fill(false)]);
  assert.deepEqual([ten.health, ten.count, ten.since], ["unhealthy", 0, 10]);
});

test("one pass between failures starts the count anew", () => {
  const nine = Array<boolean>(9).fill(false);
  assert.equal(after([true, ...nine, true, ...nine]).health, "healthy");
});

test("a server returns after as many passes as asked, not one fewer", () => {
  assert.equal(after([false, true]).health, "unhealthy");
  assert.equal(after([false, true, true]).health, "healthy");
});

test("a threshold lowered below the count turns the verdict at the next result", () => {
  const eight = after([true, ...Array<boolean>(8).fill(false)]);
  assert.equal(judge(eight, fail, { failures: 3, successes: 1 }, millis(99)).health, "unhealthy");
});

test("for any results: a verdict turns exactly where enough consecutive results are against it", (t) => {
  const seed = Number(process.env.LBPAIR_SEED ?? Date.now() % 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const rules = fc.record({
    failures: fc.integer({ min: 1, max: 12 }),
    successes: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(
      rules,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 80 }),
      (counts, results) => {
        let before: Health = "unknown";
        for (let length = 1; length <= results.length; length += 1) {
          const past = results.slice(0, length);
          const { health } = after(past, counts);
          const endsIn = (result: boolean, times: number) =>
            past.length >= times && past.slice(-times).every((passed) => passed === result);
          if (endsIn(false, counts.failures)) assert.equal(health, "unhealthy");
          if (endsIn(true, counts.successes)) assert.equal(health, "healthy");
          if (before === "healthy" && health === "unhealthy")
            assert(endsIn(false, counts.failures));
          if (before === "unhealthy" && health === "healthy")
            assert(endsIn(true, counts.successes));
          assert.notEqual(health, "unknown");
          before = health;
        }
      },
    ),
    { seed },
  );
});

test("always off and on again keep when the verdict turned", () => {
  const on = declare(NEVER_JUDGED, "healthy", "always on", millis(5));
  assert.equal(declare(on, "healthy", "always on", millis(9)).since, 5);
  assert.equal(declare(on, "unhealthy", "always off", millis(9)).since, 9);
});

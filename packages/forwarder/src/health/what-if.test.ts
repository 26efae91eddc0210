// what-if.test.ts — recorded results judged by other rhythms, and how little is kept of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RESULTS_MS_MAX, ResultRuns, RUNS_MAX, RUNS_PER_SERVER_MAX } from "./result-runs.js";
import { judge, NEVER_JUDGED } from "./verdict.js";
import { replay } from "./what-if.js";

const T0 = Date.UTC(2026, 10, 30);
const MIN = 60_000;
const rhythm = (interval: number, failures: number, successes = 1) => ({
  interval,
  failingInterval: null,
  failures,
  successes,
});

/** A day of results each 30 s that fail within [from, to) minutes. */
function recorded(from: number, to: number, minutes = 60): ResultRuns {
  const runs = new ResultRuns();
  for (let at = 0; at < minutes * MIN; at += 30_000) {
    const passed = at < from * MIN || at >= to * MIN;
    runs.add("a", passed, T0 + at, { interval: 30_000 });
  }
  return runs;
}

test("an outage of ten minutes: noticed after 4.5 min by 30 s x 10, after 10 s by 5 s x 3", () => {
  const now = T0 + 60 * MIN;
  const runs = recorded(10, 20).of("a", now);
  assert.equal(runs.length, 3);
  const present = replay(runs, rhythm(30_000, 10), 30_000, now);
  assert.deepEqual(
    [present.times, present.noticedMsMax, present.unhealthyMs, present.checks],
    [1, 270_000, 10 * MIN - 270_000, 120],
  );
  const proposed = replay(runs, rhythm(5000, 3), 30_000, now);
  assert.deepEqual([proposed.times, proposed.noticedMsMax], [1, 10_000]);
  const episode = proposed.episodes[0];
  assert.equal(episode?.from, T0 + 10 * MIN + 10_000);
  assert.equal(episode.to, T0 + 20 * MIN);
  // Two minutes long, it would have passed unnoticed by the first.
  assert.equal(replay(recorded(10, 12).of("a", now), rhythm(30_000, 10), 30_000, now).times, 0);
});

test("timers that are a little early or late change nothing", () => {
  const runs = new ResultRuns();
  const at = [0, 3004, 5990, 8995];
  at.forEach((ms, i) => {
    runs.add("a", i < 2, T0 + ms, { interval: 3000 });
  });
  const seen = replay(runs.of("a", T0 + 9000), rhythm(3000, 2), 3000, T0 + 9000);
  assert.deepEqual([seen.checks, seen.times], [4, 1]);
});

test("two failures just recorded are two, however little late the first was and the second early", () => {
  for (const at of [
    [0, 3020, 6025],
    [0, 2990, 5985],
    [0, 3299, 6010],
  ]) {
    const runs = new ResultRuns();
    at.forEach((ms, i) => {
      runs.add("a", i < 1, T0 + ms, { interval: 3000 });
    });
    const now = T0 + (at.at(-1) ?? 0) + 2;
    const seen = replay(runs.of("a", now), rhythm(3000, 2), 3000, now);
    assert.deepEqual([seen.checks, seen.times], [3, 1], String(at));
  }
});

test("a timetable that a change of the check began anew is followed", () => {
  const runs = new ResultRuns();
  for (const [passed, ms] of [
    [false, 0],
    [true, 1000],
    [false, 4000],
    [false, 7000],
  ] as const) {
    runs.add("a", passed, T0 + ms, { interval: 3000 });
  }
  const seen = replay(runs.of("a", T0 + 7010), rhythm(3000, 2), 3000, T0 + 7010);
  assert.deepEqual([seen.checks, seen.times], [4, 1]);
});

test("a gap, in which nothing was asked, counts for nothing", () => {
  const runs = new ResultRuns();
  for (let i = 0; i < 3; i += 1) runs.add("a", false, T0 + i * 1000, { interval: 1000 });
  for (let i = 0; i < 3; i += 1) runs.add("a", false, T0 + 30 * MIN + i * 1000, { interval: 1000 });
  const now = T0 + 40 * MIN;
  assert.equal(runs.of("a", now).length, 2);
  const seen = replay(runs.of("a", now), rhythm(1000, 5), 1000, now);
  assert.equal(seen.checks, 6);
  assert.equal(seen.times, 1);
});

test("judged by the rhythm it was recorded in, it turns exactly where the verdict did", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      (results, failures, successes) => {
        const runs = new ResultRuns();
        let state = judge(NEVER_JUDGED, { passed: true, reason: "" }, { failures, successes }, 0);
        let turns = 0;
        results.forEach((passed, i) => {
          runs.add("a", passed, T0 + i * 1000, { interval: 1000 });
          const next = judge(state, { passed, reason: "" }, { failures, successes }, i);
          if (next.health === "unhealthy" && state.health === "healthy") turns += 1;
          state = next;
        });
        const now = T0 + results.length * 1000;
        const seen = replay(runs.of("a", now), rhythm(1000, failures, successes), 1000, now);
        assert.equal(seen.times, turns);
        assert.equal(seen.checks, results.length);
      },
    ),
  );
});

test("the record is bounded whatever servers do, and comes back from disk as it was", () => {
  const runs = new ResultRuns();
  for (let i = 0; i < RUNS_PER_SERVER_MAX + 500; i += 1) {
    runs.add("flapper", i % 2 === 0, T0 + i * 1000, { interval: 1000 });
  }
  const now = T0 + 3000 * 1000;
  assert.equal(runs.of("flapper", now).length, RUNS_PER_SERVER_MAX);
  const read = ResultRuns.decode(runs.encode(), now);
  assert.deepEqual(read.of("flapper", now), runs.of("flapper", now));
  assert.deepEqual(ResultRuns.decode("{", now).of("flapper", now), []);
  assert.deepEqual(
    ResultRuns.decode(runs.encode(), now + RESULTS_MS_MAX * 2).of("flapper", now),
    [],
  );
  const many = new ResultRuns();
  for (let server = 0; server < 120; server += 1) {
    for (let i = 0; i < 1000; i += 1) {
      many.add(`${server}`, i % 2 === 0, T0 + i * 1000, { interval: 1000 });
    }
  }
  const kept = Array.from({ length: 120 }, (_, id) => many.of(`${id}`, now).length);
  assert.ok(kept.reduce((a, b) => a + b) <= RUNS_MAX);
  assert.ok(many.encode().length < 4_000_000);
});

// path-quality.test.ts — loss, round trip and the peer's clock, as each path shows them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Millis, millis } from "@lbpair/common/light";
import fc from "fast-check";
import { ClockOffset } from "./clock-offset.js";
import { LOSS_ROUNDS, LOSS_ROUNDS_LEAST, RoundsHeard, RoundTrip } from "./path-quality.js";

test("loss of a path is what the other path, or a gap in the numbers, shows that should have come", () => {
  const rounds = new RoundsHeard(2);
  for (let sequence = 5000; sequence < 5400; sequence += 1) {
    // Each tenth is lost on both, each second of the rest on the second path.
    if (sequence % 10 === 0) continue;
    rounds.heard(0, sequence);
    if (sequence % 2 === 0) rounds.heard(1, sequence);
  }
  const [first, second] = [0, 1].map((path) => rounds.lossPermille(path) ?? -1);
  console.log(`loss ${first} and ${second} of a thousand`);
  assert.ok(first !== undefined && Math.abs(first - 100) < 15);
  assert.ok(second !== undefined && Math.abs(second - 600) < 15);
});

test("a path that loses nothing shows no loss, also the slower one whose newest is on its way", () => {
  const rounds = new RoundsHeard(2);
  for (let sequence = 1; sequence < 1000; sequence += 1) {
    rounds.heard(0, sequence);
    if (sequence > 1) rounds.heard(1, sequence - 1);
    const enough = sequence > LOSS_ROUNDS_LEAST;
    assert.equal(rounds.lossPermille(0), enough ? 0 : null);
    assert.equal(rounds.lossPermille(1), enough ? 0 : null);
  }
});

test("a path that falls silent shows full loss after the rounds that are counted, and mends as slowly", () => {
  const rounds = new RoundsHeard(2);
  let sequence = 1;
  const go = (count: number, second: boolean) => {
    for (let i = 0; i < count; i += 1, sequence += 1) {
      rounds.heard(0, sequence);
      if (second) rounds.heard(1, sequence);
    }
  };
  go(200, true);
  go(LOSS_ROUNDS, false);
  assert.equal(rounds.lossPermille(1), 1000);
  go(LOSS_ROUNDS + 1, true);
  assert.equal(rounds.lossPermille(1), 0);
});

test("a path that was silent begins anew, and the other's count goes on", () => {
  const rounds = new RoundsHeard(2);
  for (let sequence = 1; sequence <= 300; sequence += 1) {
    if (sequence % 2 === 0) rounds.heard(0, sequence);
    if (sequence < 100 || sequence > 250) {
      if (sequence === 251) rounds.restart(1, sequence);
      rounds.heard(1, sequence);
    }
  }
  assert.equal(rounds.lossPermille(1), 0);
  assert.ok((rounds.lossPermille(0) ?? 0) > 450);
});

test("whatever is heard in whatever order, loss is the share of the last rounds that never came", () => {
  const sequences = fc.array(
    fc.record({ sequence: fc.integer({ min: 1, max: 600 }), path: fc.integer({ min: 0, max: 2 }) }),
    { maxLength: 400 },
  );
  fc.assert(
    fc.property(sequences, (all) => {
      const rounds = new RoundsHeard(3);
      const heard = [new Set<number>(), new Set<number>(), new Set<number>()];
      let newest = 0;
      let first = 0;
      for (const { sequence, path } of all) {
        // What is as old as this never gets past the replay window.
        if (newest - sequence >= 64 || (first > 0 && sequence < first)) continue;
        if (first === 0) first = sequence;
        newest = Math.max(newest, sequence);
        rounds.heard(path, sequence);
        heard[path]?.add(sequence);
        const count = Math.min(newest - first, LOSS_ROUNDS - 1);
        for (const [each, set] of heard.entries()) {
          const came = Array.from({ length: count }, (_, i) => newest - 1 - i).filter((one) =>
            set.has(one),
          ).length;
          const want =
            count < LOSS_ROUNDS_LEAST ? null : Math.round((1000 * (count - came)) / count);
          assert.equal(rounds.lossPermille(each), want);
        }
      }
    }),
  );
});

test("a round trip is the time since the peer heard us, less what it kept it; nonsense is none", () => {
  const trip = new RoundTrip();
  assert.equal(trip.sample(1_000_000, 150, millis(1160)), 10);
  assert.equal(trip.smoothedMs, 10);
  assert.equal(trip.sample(2_000_000, 50, millis(2068)), 18);
  assert.equal(trip.smoothedMs, 11);
  assert.equal(trip.shortestMs, 10);
  for (const [sentUs, ageMs] of [
    [0, 10],
    [9_000_000, 10],
  ] as const) {
    assert.equal(trip.sample(sentUs, ageMs, millis(3000)), null);
  }
  assert.equal(trip.sample(1_000_000, 10, millis(500_000)), null);
  trip.sample(199_000_000, 0, millis(199_030));
  trip.sample(299_000_000, 0, millis(299_020));
  assert.equal(trip.shortestMs, 20, "the shortest is forgotten after a while");
});

test("the peer's clock is judged by the shortest round trip, and a clock that is set is noticed", () => {
  const offset = new ClockOffset();
  assert.equal(offset.offsetMs(0, millis(0)), null);
  // The peer's wall clock is ours and 5000 ms; ours is the monotonic one and 1,000,000.
  const peerWall = (sentAt: number, ahead: number) => 1_000_000 + sentAt + ahead;
  const sample = (at: number, there: number, back: number, ahead = 5000) =>
    offset.sample(peerWall(at - back, ahead), there + back, at as Millis);
  const said = (now: number) => offset.offsetMs(1_000_000 + now, now as Millis);
  sample(1000, 30, 0);
  assert.equal(said(1000), 5015);
  sample(1200, 1, 1);
  assert.equal(said(1200), 5000);
  sample(1400, 0, 60);
  assert.equal(said(1400), 5000, "a worse sample changes nothing");
  sample(1600, 1, 3, 9000);
  assert.ok(Math.abs((said(1600) ?? 0) - 9000) <= 2);
});

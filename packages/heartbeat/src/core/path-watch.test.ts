// path-watch.test.ts — trouble of a path is told when it lasts, once, and by its right name.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Millis } from "@lbpair/common/light";
import { type PathView, PathWatch, stateOf } from "./path-watch.js";

const timings = { warntime: 500, deadtime: 1000 };
const well: PathView = {
  local: "10.0.0.1",
  peer: "10.0.0.2",
  bound: true,
  ageMs: 100,
  heardByPeer: true,
  lossPermille: 0,
  peerLossPermille: 0,
};

/** A path seen each 200 ms, after a well one. */
function watching() {
  const watch = new PathWatch();
  const told: string[] = [];
  return {
    told,
    see(from: number, to: number, view: Partial<PathView>, alive = true): void {
      for (let now = from; now <= to; now += 200) {
        const views = [well, { ...well, ...view }];
        for (const news of watch.judge(views, alive, timings, now as Millis)) {
          assert.equal(news.path, 1);
          told.push(`${now} ${news.trouble}`);
          if (told.length < 2) console.log(news.text);
        }
      }
    },
  };
}

test("each state of a path has its name", () => {
  assert.equal(stateOf(well, timings), "hearing");
  assert.equal(stateOf({ ...well, ageMs: 501 }, timings), "late");
  assert.equal(stateOf({ ...well, ageMs: 1001 }, timings), "silent");
  assert.equal(stateOf({ ...well, ageMs: null, heardByPeer: null }, timings), "silent");
  assert.equal(stateOf({ ...well, heardByPeer: false }, timings), "one-way");
  assert.equal(stateOf({ ...well, bound: false }, timings), "unbound");
});

test("a path that is cut is told as silent once, though for a moment it looked one-way; its return too", () => {
  const { told, see } = watching();
  see(0, 1000, {});
  see(1200, 1600, { ageMs: 1100 });
  see(1800, 20_000, { ageMs: 2000, heardByPeer: false });
  see(20_200, 30_000, {});
  assert.deepEqual(told, ["2800 silent", "21200 null"]);
});

test("a path that carries one way only is told as one-way, by both nodes", () => {
  for (const view of [{ ageMs: 5000 }, { heardByPeer: false }]) {
    const { told, see } = watching();
    see(0, 5000, view);
    assert.deepEqual(told, ["1000 one-way"]);
  }
});

test("loss is told from ten percent on, in either direction, and well again below three", () => {
  for (const side of ["lossPermille", "peerLossPermille"] as const) {
    const { told, see } = watching();
    see(0, 5000, { [side]: 99 });
    assert.deepEqual(told, []);
    see(5200, 10_000, { [side]: 100 });
    see(10_200, 20_000, { [side]: 30 });
    see(20_200, 30_000, { [side]: 29 });
    assert.deepEqual(told, ["6200 lossy", "21200 null"]);
  }
});

test("what lasts shorter than a deadtime is not told, and neither is anything while the peer is dead", () => {
  const { told, see } = watching();
  for (let from = 0; from < 20_000; from += 1600) {
    see(from, from + 800, { ageMs: 2000 });
    see(from + 1000, from + 1400, {});
  }
  see(20_000, 40_000, { ageMs: null, heardByPeer: null }, false);
  assert.deepEqual(told, []);
});

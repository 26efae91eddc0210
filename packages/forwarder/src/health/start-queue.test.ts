// start-queue.test.ts — whatever is put in comes out in the order of its time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@lbpair/common";
import fc from "fast-check";
import { StartQueue } from "./start-queue.js";

test("what is due comes out by time, then by age; what is not due stays", () => {
  const step = fc.oneof(
    fc.record({ put: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ keep: fc.integer({ min: 2, max: 4 }) }),
    fc.record({ now: fc.integer({ min: 0, max: 50 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new StartQueue<number>();
      let model: { readonly at: number; readonly item: number }[] = [];
      for (const [i, each] of steps.entries()) {
        if ("put" in each) {
          queue.put(millis(each.put), i);
          model.push({ at: each.put, item: i });
        } else if ("keep" in each) {
          const wanted = (item: number): boolean => item % each.keep !== 0;
          queue.keep(wanted);
          model = model.filter(({ item }) => wanted(item));
        } else {
          const first = [...model].sort((a, b) => a.at - b.at || a.item - b.item)[0];
          const wanted = first !== undefined && first.at <= each.now ? first.item : undefined;
          assert.equal(queue.take(millis(each.now)), wanted);
          model = model.filter(({ item }) => item !== wanted);
        }
        assert.equal(queue.size, model.length);
        const least = model.length === 0 ? null : Math.min(...model.map(({ at }) => at));
        assert.equal(queue.next, least);
      }
    }),
  );
});

// bodies.test.ts — promises of bodies.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RefusalError } from "@lbpair/common";
import { parseConditionOrder, parseVerdictsOrder } from "./bodies.js";

const refusal = (work: () => unknown): RefusalError => {
  try {
    work();
  } catch (error) {
    if (error instanceof RefusalError) return error;
  }
  throw new Error("want a refusal");
};

test("a right condition and right verdicts are taken", () => {
  const condition = { condition: "active", peerAlive: true };
  assert.deepEqual(parseConditionOrder(condition), condition);
  const verdicts = { serial: 3, hash: "ab", unhealthy: ["web/a"], unknown: [] };
  assert.deepEqual(parseVerdictsOrder({ verdicts }), verdicts);
});

test("a malformed order is refused with every problem", () => {
  for (const body of [undefined, null, 7, "x", [], {}]) {
    assert.equal(refusal(() => parseConditionOrder(body)).problems.length, 2);
    assert.equal(refusal(() => parseVerdictsOrder(body)).problems.length, 4);
  }
  const odd = refusal(() =>
    parseVerdictsOrder({ verdicts: { serial: 1, hash: "", unhealthy: [1], unknown: [] } }),
  );
  assert.deepEqual(
    odd.problems.map((each) => each.path),
    ["verdicts.unhealthy"],
  );
});

test("verdicts that could not be remembered are refused", () => {
  for (const odd of [{ serial: -1 }, { serial: 0.5 }, { hash: "0".repeat(1001) }]) {
    const verdicts = { serial: 3, hash: "ab", unhealthy: [], unknown: [], ...odd };
    assert.equal(refusal(() => parseVerdictsOrder({ verdicts })).problems.length, 1);
  }
});

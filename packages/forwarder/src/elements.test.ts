// elements.test.ts — promises of elements.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesText, diffElements, noElements } from "./elements.js";

const withServices = (entries: readonly (readonly [string, string])[]) => ({
  ...noElements(),
  services: new Map(entries),
});

test("the same wanted and present is no change and no text", () => {
  const same = withServices([["1.1.1.1 . tcp . 80", "0:1"]]);
  const changes = diffElements(same, same);
  assert.equal(changes.count, 0);
  assert.equal(changesText(4, changes), "");
});

test("a changed value goes and comes in one transaction, and is one change", () => {
  const changes = diffElements(withServices([["k", "0:2"]]), withServices([["k", "0:1"]]));
  assert.equal(changes.count, 1);
  assert.equal(
    changesText(4, changes),
    "delete element ip lbpair services { k }\nadd element ip lbpair services { k : 0:2 }\n",
  );
});

test("everything that goes stands before everything that comes, over all sets", () => {
  const wanted = {
    ...noElements(),
    floating: new Map([["2.2.2.2", ""]]),
    vips: new Map([["a", "b"]]),
  };
  const present = {
    ...noElements(),
    floating: new Map([["1.1.1.1", ""]]),
    vipports: new Map([["c", "1"]]),
  };
  const verbs = changesText(4, diffElements(wanted, present))
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[0]);
  assert.deepEqual(verbs, ["delete", "delete", "add", "add"]);
});

test("long lists are cut into statements of at most 500 elements", () => {
  const many = withServices(Array.from({ length: 1201 }, (_, i) => [`k${i}`, "0:1"] as const));
  const lines = changesText(4, diffElements(many, noElements())).trim().split("\n");
  assert.equal(lines.length, 3);
});

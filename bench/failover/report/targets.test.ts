// targets.test.ts — a target holds when measured ≤ wanted + floor, and is silent where nobody measured.
import assert from "node:assert/strict";
import { test } from "node:test";
import { plainTable } from "../../report/table.js";
import { createBook } from "../measures.js";
import { PRODUCTS } from "../products/catalogue.js";
import { SCENARIOS } from "../scenarios/catalogue.js";
import { MANY_SCENARIOS } from "../scenarios/many.js";
import { TOGETHER_SCENARIOS } from "../together/run-together.js";
import { plot } from "./plot.js";
import { notJudged, ratioTable, scenarioTables, targetTable } from "./tables.js";
import { judge, TARGETS } from "./targets.js";

const names = { products: PRODUCTS, scenarios: SCENARIOS };
const wanted = (part: string) => {
  const found = TARGETS.find(({ text }) => text.includes(part));
  assert.ok(found !== undefined, part);
  return found;
};

test("every target names a scenario and a product that exist", () => {
  const scenarios = [...SCENARIOS, ...MANY_SCENARIOS, ...TOGETHER_SCENARIOS].map((s) => s.name);
  const products = PRODUCTS.map((p) => p.name);
  for (const { scenario, product, limit, text } of TARGETS) {
    assert.ok(scenarios.includes(scenario), `${text}: ${scenario}`);
    assert.ok(products.includes(product), `${text}: ${product}`);
    if (typeof limit === "object") assert.ok(products.includes(limit.product), text);
  }
});

test("the floor is added to the limit, and one millisecond more is a miss", () => {
  const target = wanted("deadtime + 15 ms");
  for (const [value, holds] of [
    [319, true],
    [320, false],
  ] as const) {
    const book = createBook();
    book.note("floor", "lbpair-300", "echo outage", 4);
    book.note("pull", "lbpair-300", "echo outage", value);
    assert.equal(judge(book, target)?.holds, holds, `${value} ms`);
  }
});

test("what is compared with a peer is not judged where the peer was not measured", () => {
  const target = wanted("below keepalived's at 100 ms");
  const book = createBook();
  book.note("pull", "lbpair-300", "echo outage", 290);
  assert.equal(judge(book, target), undefined);
  assert.ok(notJudged(book).includes(target.text));
  book.note("pull", "keepalived-100", "echo outage", 312);
  assert.equal(judge(book, target)?.holds, true);
  assert.match(plainTable(targetTable(book)), /290 ms\s+≤ 312 ms\s+holds/);
  assert.match(plainTable(ratioTable(book, names)), /290 .* 312\s+1 : 1\.1/);
});

test("the picture has a dot for every product measured and none for the others", () => {
  const book = createBook();
  book.note("pull", "lbpair-300", "echo outage", 290);
  book.note("pull", "keepalived-100", "echo outage", 312);
  const svg = plot(book, names);
  assert.equal(svg.match(/<circle/g)?.length, 2);
  assert.match(svg, /^<svg [^>]+>/);
});

test("a quota that was never met proves nothing: the target that it was is missed", () => {
  const target = wanted("nr_throttled");
  for (const [throttled, holds] of [
    [1, true],
    [0, false],
  ] as const) {
    const book = createBook();
    book.note("quota", "lbpair-300", "nr_throttled", throttled, "count");
    assert.equal(judge(book, target)?.holds, holds);
  }
});

test("a scenario that failed is a missed target and a row that says why", () => {
  const book = createBook();
  book.fail("pull", "lbpair-300", "probe udp-echo: ended | and more");
  book.note("pull", "keepalived-100", "echo outage", 312);
  assert.match(plainTable(targetTable(book)), /deadtime \+ 15 ms.*MISSED: it failed/);
  const tables = scenarioTables(book, names).map(plainTable).join("\n");
  assert.match(tables, /lbpair 100 \/ 300 ms +0, failed: probe udp-echo: ended +–/);
});

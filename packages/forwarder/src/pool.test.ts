// pool.test.ts — promises of pool.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { choosePool } from "./pool.js";
import { fallback, server, service, verdicts } from "./testing/services.js";

const [a, b] = [server("a"), server("b")];
const halted = (label: string) => server(label, { mode: "halt" });
const labels = (pool: { serving: readonly { label: string }[] }) =>
  pool.serving.map((s) => s.label);

test("all healthy servers serve, and the service is green", () => {
  const pool = choosePool(service([a, b, fallback()]), verdicts([]));
  assert.deepEqual([labels(pool), pool.onFallback, pool.colour], [["a", "b"], false, "green"]);
});

test("an unhealthy server leaves the others serving, yellow", () => {
  const pool = choosePool(service([a, b, fallback()]), verdicts(["web/a"]));
  assert.deepEqual([labels(pool), pool.colour], [["b"], "yellow"]);
});

test("without any healthy server the fallback serves, red", () => {
  const pool = choosePool(service([a, b, fallback()]), verdicts(["web/a", "web/b"]));
  assert.deepEqual([labels(pool), pool.onFallback, pool.colour], [["fallback"], true, "red"]);
});

test("the fallback serves even where a verdict calls it unhealthy: it is the last resort", () => {
  const pool = choosePool(service([a, fallback()]), verdicts(["web/a", "web/fallback"]));
  assert.deepEqual(labels(pool), ["fallback"]);
});

test("halting the only server sends clients to the fallback, blue", () => {
  const pool = choosePool(service([halted("a"), fallback()]), verdicts([]));
  assert.deepEqual([labels(pool), pool.onFallback, pool.colour], [["fallback"], true, "blue"]);
});

test("one of two drained, or of weight 0, is blue and the other serves", () => {
  for (const idle of [server("a", { mode: "drain" }), server("a", { weight: 0 })]) {
    const pool = choosePool(service([idle, b]), verdicts([]));
    assert.deepEqual([labels(pool), pool.colour], [["b"], "blue"]);
  }
});

test("a halted fallback serves nobody: connections are refused, and it says why", () => {
  const pool = choosePool(service([a, fallback({ mode: "halt" })]), verdicts(["web/a"]));
  assert.deepEqual([labels(pool), pool.onFallback], [[], false]);
  assert.match(pool.reason, /fallback server is on halt/);
});

test("a server nobody has judged gets nothing while there is another", () => {
  const pool = choosePool(service([a, b, fallback()]), verdicts([], ["web/a"]));
  assert.deepEqual(labels(pool), ["b"]);
  const none = choosePool(service([a, b, fallback()]), verdicts(["web/b"], ["web/a"]));
  assert.deepEqual(labels(none), ["fallback"]);
});

test("a server nobody has judged serves where it is the only one, grey", () => {
  const pool = choosePool(service([a, fallback()]), verdicts([], ["web/a"]));
  assert.deepEqual([labels(pool), pool.onFallback, pool.colour], [["a"], false, "grey"]);
});

// mode-targets.test.ts — which servers an order is for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findTargets } from "./mode-targets.js";

const known = [
  { id: "VNA/one", address: "10.0.0.1" },
  { id: "VNA/two", address: "10.0.0.2" },
  { id: "WEB/alpha", address: "10.0.0.1" },
  { id: "WEB/two", address: "10.0.0.9" },
];
const idsOf = (names: string[], all = false) => {
  const found = findTargets(names, known, all);
  return found.ok ? found.ids : found.wrong;
};

test("a server is itself, a service all of its servers, each once", () => {
  assert.deepEqual(idsOf(["VNA/two"]), ["VNA/two"]);
  assert.deepEqual(idsOf(["VNA", "VNA/one"]), ["VNA/one", "VNA/two"]);
});

test("with --all-services a machine is meant, whatever it is called where", () => {
  for (const name of ["VNA/one", "alpha", "10.0.0.1"]) {
    assert.deepEqual(idsOf([name], true), ["VNA/one", "WEB/alpha"], name);
  }
  assert.match(idsOf(["two"], true)[0] ?? "", /10\.0\.0\.2 and 10\.0\.0\.9 have this label/);
});

test("a slip is told with the likely name, and nothing is taken for another", () => {
  assert.match(idsOf(["VNA/tow"])[0] ?? "", /did you mean VNA\/two\?/);
  assert.match(idsOf(["aplha"], true)[0] ?? "", /did you mean WEB\/alpha\?/);
  assert.deepEqual(findTargets(["VNA/x"], null, false), { ok: true, ids: ["VNA/x"] });
  assert.equal(findTargets(["VNA"], null, false).ok, false);
});

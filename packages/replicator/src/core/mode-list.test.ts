import assert from "node:assert/strict";
import { test } from "node:test";
import { type ModesConfig, NO_MODES } from "@lbpair/common";
import { modesId, normalModes, planModes, withMode } from "./mode-list.js";

const halt = { service: "VNA", server: "P", mode: "halt" } as const;

test("a change gets a serial above both nodes', and online leaves the list", () => {
  const halted = withMode(NO_MODES, halt, 7);
  assert.deepEqual(halted, { serial: 8, modes: [halt] });
  assert.deepEqual(withMode(halted, { ...halt, mode: "online" }, 0), { serial: 9, modes: [] });
  assert.deepEqual(withMode(halted, { ...halt, mode: "drain" }, 0).modes, [
    { ...halt, mode: "drain" },
  ]);
});

test("the same modes have the same hash, whatever their order", () => {
  const other = { ...halt, server: "Q" };
  const one: ModesConfig = { serial: 1, modes: [halt, other] };
  const two: ModesConfig = { serial: 2, modes: [other, halt] };
  assert.equal(modesId(one).hash, modesId(two).hash);
  assert.notEqual(modesId(one).hash, modesId({ serial: 1, modes: [halt] }).hash);
  assert.deepEqual(normalModes(two).modes, one.modes);
});

test("differences are named by service and server", () => {
  assert.deepEqual(planModes(NO_MODES, { serial: 1, modes: [halt] }), [
    { path: "modes.VNA.P", kind: "change", was: "online", becomes: "halt" },
  ]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ModesConfig, NO_MODES } from "@lbpair/common";
import { modesId, normalModes, planModes, withModes } from "./mode-list.js";

const halt = { service: "VNA", server: "P", mode: "halt" } as const;

test("a change gets a serial above both nodes', and online leaves the list", () => {
  const name = { service: "VNA", server: "P" };
  const halted = withModes(NO_MODES, [{ ...name, entry: halt }], 7);
  assert.deepEqual(halted, { serial: 8, modes: [halt] });
  assert.deepEqual(withModes(halted, [{ ...name, entry: null }], 0), { serial: 9, modes: [] });
  const drain = { ...halt, mode: "drain" } as const;
  assert.deepEqual(withModes(halted, [{ ...name, entry: drain }], 0).modes, [drain]);
});

test("the same modes have the same hash, whatever their order", () => {
  const other = { ...halt, server: "Q" };
  const one: ModesConfig = { serial: 1, modes: [halt, other] };
  const two: ModesConfig = { serial: 2, modes: [other, halt] };
  assert.equal(modesId(one).hash, modesId(two).hash);
  assert.notEqual(modesId(one).hash, modesId({ serial: 1, modes: [halt] }).hash);
  assert.deepEqual(normalModes(two).modes, one.modes);
});

test("who, why and until when are part of a list's identity; a list without them is what it always was", () => {
  const plain = modesId({ serial: 1, modes: [halt] }).hash;
  const told = { ...halt, by: "anna", until: "2026-11-30T18:00:00Z" };
  assert.equal(plain, "05e362b940af2aab");
  assert.notEqual(modesId({ serial: 1, modes: [told] }).hash, plain);
  const { until, ...rest } = told;
  const turned = { until, ...rest } as ModesConfig["modes"][number];
  assert.deepEqual(normalModes({ serial: 1, modes: [turned] }).modes, [told]);
  assert.equal(
    JSON.stringify(normalModes({ serial: 1, modes: [turned] }).modes),
    JSON.stringify([told]),
  );
});

test("differences are named by service and server", () => {
  assert.deepEqual(planModes(NO_MODES, { serial: 1, modes: [halt] }), [
    { path: "modes.VNA.P", kind: "change", was: "online", becomes: "halt" },
  ]);
});

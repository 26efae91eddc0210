// yaml-edit.test.ts — a program's change leaves an admin's file as the admin wrote it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { editYaml } from "./yaml-edit.js";

const FILE = `# The archive's front door
heartbeat:
  deadtime: 1s # decided on Monday
  keepalive: 200ms

virtualServices:
  # the only one
  - label: VNA
    ports: [ 12000, 12300-12301 ]
`;

test("comments, order and everything else stay when one value changes", () => {
  const edited = editYaml(FILE, ["heartbeat", "deadtime"], "2s");
  assert.equal(edited, FILE.replace("deadtime: 1s", "deadtime: 2s"));
});

test("a value is removed, and only that", () => {
  const edited = editYaml(FILE, ["heartbeat", "keepalive"], undefined);
  assert.equal(edited, FILE.replace("  keepalive: 200ms\n", ""));
});

test("an empty file can be added to", () => {
  assert.equal(editYaml("", ["serial"], 1), "serial: 1\n");
});

test("a file that is no YAML is not edited", () => {
  assert.throws(() => editYaml("a: [", ["a"], 1), /cannot edit: want YAML/);
});

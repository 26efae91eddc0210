import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBundle, hashOf, type ServiceFiles, toBundle } from "./service-files.js";

const files: ServiceFiles = { services: "a: 1\n", scripts: new Map([["health-checks/x", "#!"]]) };
const record = { serial: 3, hash: hashOf(files), author: "primary", at: "2026", reason: "" };

test("a revision comes out of its bundle as it went in", () => {
  const back = fromBundle(toBundle(files, record));
  assert.ok(back.ok);
  assert.deepEqual(back.files, files);
  assert.deepEqual(back.record, record);
});

test("a revision whose files have another hash than it claims is refused", () => {
  const bundle = toBundle({ ...files, services: "a: 2\n" }, record);
  const back = fromBundle(bundle);
  assert.ok(!back.ok && back.problems[0]?.path === "revision.json.hash");
});

test("a bundle without its record or its services is refused with both named", () => {
  const back = fromBundle([]);
  assert.ok(!back.ok);
  assert.deepEqual(
    back.problems.map((problem) => problem.path),
    ["services.yaml", "revision.json"],
  );
});

test("a record that is no record is refused", () => {
  const [, services] = toBundle(files, record);
  assert.ok(services !== undefined);
  for (const text of [
    "",
    "null",
    "[]",
    "{}",
    JSON.stringify({ ...record, serial: 0 }),
    JSON.stringify({ ...record, hash: "../x" }),
  ]) {
    assert.equal(
      fromBundle([{ name: "revision.json", mode: 0o644, text }, services]).ok,
      false,
      text,
    );
  }
});

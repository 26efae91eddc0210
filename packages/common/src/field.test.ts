// field.test.ts — every field of every file has an ownership class and a meaning.
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { applianceSchema } from "./appliance-schema.js";
import { fieldNames, listFields, replicated, section } from "./field.js";
import { modesSchema } from "./modes-schema.js";
import { servicesSchema } from "./services-schema.js";

test("everything in services.yaml and modes.yaml is replicated, everything in appliance.yaml is local", () => {
  const classes = (schema: z.ZodType) => [
    ...new Set(listFields(schema).map((row) => row.ownership)),
  ];
  assert.deepEqual(classes(servicesSchema), ["replicated"]);
  assert.deepEqual(classes(modesSchema), ["replicated"]);
  assert.deepEqual(classes(applianceSchema), ["local"]);
});

test("every field says what it means, and is listed once", () => {
  for (const schema of [servicesSchema, modesSchema, applianceSchema]) {
    const rows = listFields(schema);
    assert.ok(rows.length > 3);
    assert.equal(new Set(rows.map((row) => row.path)).size, rows.length);
    for (const row of rows) assert.ok(row.doc.length > 3, row.path);
  }
});

test("a field without an ownership class does not compile", () => {
  // @ts-expect-error: a bare schema is no field; it has to be wrapped in replicated, local or derived
  const make = () => section({ label: z.string() });
  assert.equal(typeof make, "function");
  assert.deepEqual(fieldNames(section({ label: replicated("Its name", z.string()) })), ["label"]);
});

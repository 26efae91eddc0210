// problems.test.ts — messages say where, what was wanted and what came, and never steer a terminal.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeText, formatProblem, ProblemsError, showValue } from "./problems.js";

const problem = {
  code: "wrong-value",
  path: "virtualServices[0].ports[1]",
  want: "a port, 1-65535",
  got: "70000",
  file: "services.yaml",
  line: 12,
} as const;

test("a problem reads as file, line, place, want, got", () => {
  const text = "services.yaml:12: virtualServices[0].ports[1]: want a port, 1-65535, got 70000";
  assert.equal(formatProblem(problem), text);
});

test("an error carries every problem, one line each", () => {
  const error = new ProblemsError([problem, { ...problem, line: 13 }]);
  assert.equal(error.problems.length, 2);
  assert.equal(error.message.split("\n").length, 2);
});

test("whatever came is shown on one bounded line without control characters", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const text = showValue(value);
      assert.ok(text.length <= 81, `${text.length}`);
      assert.doesNotMatch(text, /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u);
    }),
  );
});

test("escape sequences and turned text are shown, not obeyed", () => {
  assert.equal(
    escapeText("a\u001b[31mb\u009bc\u202ed\ne"),
    "a\\u001b[31mb\\u009bc\\u202ed\\u000ae",
  );
  assert.equal(showValue("\u009b2J"), '"\\u009b2J"');
});

// fallbacks.test.ts — the documented examples of fallbacks parse, and what contradicts itself is refused.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { parseServices } from "./config-file.js";

const PAGE = new URL("../../../docs/fallback.md", import.meta.url);
const examples = [...readFileSync(PAGE, "utf8").matchAll(/```yaml\n([^`]+)```/g)].map(
  ([, text]) => text ?? "",
);

const problemsOf = (text: string): string[] => {
  const parsed = parseServices(text, "services.yaml");
  return (parsed.ok ? [] : parsed.problems).map(({ path }) => path);
};

const base = (parse(examples[0] ?? "") as { virtualServices: [object] }).virtualServices[0];
const withLines = (lines: object): string =>
  stringify({ virtualServices: [{ ...base, ...lines }] });

test("every example of docs/fallback.md parses", () => {
  assert.equal(examples.length, 4);
  for (const text of examples) assert.deepEqual(problemsOf(text), [], text);
});

test("fallbacks that contradict the rest of their service are refused", () => {
  const place = "virtualServices[0].";
  const cases: readonly (readonly [object, string])[] = [
    [{ fallbacks: [{ address: "192.168.100.121" }] }, "fallbacks"],
    [{ fallback: undefined, recovery: "manual" }, "recovery"],
    [{ fallbackPage: true, protocol: "both" }, "fallbackPage"],
    [{ fallback: { address: "192.168.200.100" } }, "fallback.address"],
    [
      {
        fallback: {
          address: "192.168.100.120",
          check: { type: "connect", interval: "1s", timeout: "2s" },
        },
      },
      "fallback.check.timeout",
    ],
    [
      { realServers: [{ label: "fallback-2", address: "192.168.100.110" }] },
      "realServers[0].label",
    ],
  ];
  for (const [lines, path] of cases) {
    assert.deepEqual(problemsOf(withLines(lines)), [place + path], path);
  }
  const page = { fallback: undefined, fallbackPage: true, recovery: "manual" };
  assert.deepEqual(problemsOf(withLines(page)), []);
});

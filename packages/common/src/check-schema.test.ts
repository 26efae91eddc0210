// check-schema.test.ts — the documented examples of checks parse, and what no check can mean is refused.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { checkSchema } from "./check-schema.js";
import { parseServices } from "./config-file.js";

const PAGE = new URL("../../../docs/checks.md", import.meta.url);
const examples = [...readFileSync(PAGE, "utf8").matchAll(/```yaml\n([^`]+)```/g)].map(
  ([, text]) => (parse(text ?? "") as { check: { type: string } }).check,
);

const withCheck = (check: unknown, protocol = "tcp"): string =>
  stringify({
    virtualServices: [
      {
        label: "VNA",
        address: "192.168.200.100",
        ports: [12000],
        protocol,
        realServers: [{ label: "one", address: "192.168.100.110" }],
        check,
      },
    ],
  });

const problemsOf = (check: unknown, protocol?: string): string[] => {
  const parsed = parseServices(withCheck(check, protocol), "services.yaml");
  return (parsed.ok ? [] : parsed.problems).map(
    ({ path, want, got }) => `${path.replace("virtualServices[0].check.", "")}: ${want}: ${got}`,
  );
};

test("docs/checks.md has an example of every type, and each parses", () => {
  const types = checkSchema.def.options.map((option) => [...option.shape.type.values][0]);
  assert.deepEqual(new Set(examples.map(({ type }) => type)), new Set(types));
  for (const check of examples) assert.deepEqual(problemsOf(check), [], check.type);
});

test("a value of a check that cannot be is refused with its path, what is wanted and what came", () => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ type: "http", status: "200-199" }, /^status: an HTTP status.*200-199/],
    [{ type: "http", status: 99 }, /^status: .*: 99/],
    [{ type: "http", path: "health" }, /^path: a path that begins with/],
    [{ type: "http", header: "X Health" }, /^header: the name of a header/],
    [{ type: "http", pattern: "(" }, /^pattern: a regular expression/],
    [{ type: "dicom", calledAe: "A\\B" }, /^calledAe: an AE title/],
    [{ type: "dicom", calledAe: "SEVENTEEN_LETTERS" }, /^calledAe: an AE title/],
    [{ type: "dicom", callingAe: " X" }, /^callingAe: an AE title/],
    [{ type: "dns" }, /^name: .*nothing|^name: /],
    [{ type: "dns", name: "x", record: "ANY" }, /^record: one of A, AAAA/],
    [{ type: "tcp", send: "" }, /^send: a text of 1-1000/],
    [{ type: "smtp", hello: "two words" }, /^hello: a host's name/],
  ];
  for (const [check, told] of cases) {
    const problems = problemsOf(check);
    assert.ok(
      problems.some((line) => told.test(line)),
      `${JSON.stringify(check)}: ${problems.join("; ")}`,
    );
  }
});

test("fields of a check that contradict each other are refused", () => {
  const cases: readonly (readonly [object, string])[] = [
    [{ type: "ldap", bindDn: "cn=x" }, "bindDn"],
    [{ type: "ldap", password: "x" }, "password"],
    [{ type: "ldap", tls: true, startTls: true }, "startTls"],
    [{ type: "smtp", tls: true, startTls: true }, "startTls"],
    [{ type: "radius", secret: "x", user: "y" }, "user"],
    [{ type: "radius", secret: "x", password: "y" }, "password"],
    [{ type: "http", headerText: "x" }, "headerText"],
    [{ type: "http", method: "HEAD", text: "x" }, "text"],
    [{ type: "http", method: "HEAD", pattern: "x" }, "pattern"],
    [{ type: "http", sni: "x" }, "sni"],
    [{ type: "dicom", sni: "x" }, "sni"],
    [{ type: "ping", interval: "2s", timeout: "2s" }, "timeout"],
    [{ type: "ping", interval: "5s", timeout: "2s", failingInterval: "2s" }, "timeout"],
  ];
  for (const [check, field] of cases) {
    const fields = problemsOf(check).map((line) => line.split(":")[0]);
    assert.deepEqual(fields, [field], JSON.stringify(check));
  }
  assert.deepEqual(
    problemsOf({ type: "dicom" }, "udp").map((line) => line.split(":")[0]),
    ["type"],
  );
  assert.deepEqual(problemsOf({ type: "dicom", port: 104 }, "udp"), []);
});

test("a password that is wrong is not shown", () => {
  const lines = problemsOf({ type: "ldap", bindDn: "cn=x", password: 73_310_042 });
  assert.match(lines.join("\n"), /^password: .*\(not shown\)$/m);
  assert.doesNotMatch(lines.join("\n"), /73310042/);
});

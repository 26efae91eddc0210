// config-file.test.ts — a wrong file shows all its problems at once, each with its line; a right one parses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAppliance, parseCandidate, parseModes, parseServices } from "./config-file.js";
import { formatProblem, type Parsed, type Problem } from "./problems.js";
import { CONFIG_BYTES_MAX, PROBLEMS_LISTED_MAX } from "./yaml-text.js";

const REFERENCE = `heartbeat: { keepalive: 200ms, warntime: 500ms, deadtime: 1s, initdead: 31s, lease: 800ms, loneLease: 30s, autoFailback: false }
floatingIps:
  - { label: gateway, address: 192.168.100.254 }
virtualServices:
  - label: VNA
    address: 192.168.200.100
    ports: [12000, 12100, 12200, 12300-12301, 12800, 12950]
    protocol: tcp
    method: nat
    scheduler: weighted-hash
    realServers:
      - { label: PrimaryCluster, address: 192.168.100.110, weight: 100 }
    fallback: { address: 192.168.100.120, port: 0 }
    check: { type: external, script: IBM-WHI-iConnect-Enterprise-Archive, interval: 30s, timeout: 10s, failures: 10, successes: 1 }
`;

function problemsOf(parsed: Parsed<unknown>): readonly Problem[] {
  assert.ok(!parsed.ok, "want problems, got a value");
  return parsed.problems;
}
const lines = (parsed: Parsed<unknown>): string[] =>
  problemsOf(parsed).map((problem) => `${problem.line} ${problem.code} ${problem.path}`);

test("the reference deployment parses without problem or warning", () => {
  const parsed = parseServices(REFERENCE);
  assert.ok(parsed.ok, parsed.ok ? "" : parsed.problems.map(formatProblem).join("\n"));
  assert.deepEqual(parsed.warnings, []);
  const [service] = parsed.value.virtualServices;
  assert.deepEqual(service?.ports[3], { first: 12_300, last: 12_301 });
  assert.equal(service?.realServers[0]?.port, 0);
  assert.equal(parsed.value.heartbeat.port, 6694);
});

test("a candidate with nothing in it is refused; one that wants no service is not", () => {
  for (const text of ["", "\n\n", "# all of it a comment\n", "---\n", "null\n"]) {
    const parsed = parseCandidate(text);
    assert.equal(parsed.ok, false, JSON.stringify(text));
    assert.deepEqual(!parsed.ok && parsed.problems.map(({ code }) => code), ["file-empty"]);
  }
  assert.equal(parseCandidate("virtualServices: []\n").ok, true);
});

test("an empty file is an empty configuration with the stated defaults", () => {
  const parsed = parseServices("# nothing yet\n");
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.value.virtualServices, []);
  assert.equal(parsed.value.heartbeat.deadtime, 1000);
});

test("ten planted mistakes are ten problems, each with its line", () => {
  const file = `heartbeat:
  keepalive: 200ms
  deadtme: 1s
  warntime: fast
floatingIps:
  - { label: gateway, address: 192.168.100.300 }
virtualServices:
  - label: "VNA\\n"
    address: 192.168.200.100
    ports: [0, 12100]
    realServers:
      - { label: A, address: 192.168.100.110, weight: 100 }
      - { label: A, address: 192.168.100.111 }
      - { label: B, address: 192.168.200.100 }
    check: { type: connect, interval: 5s, timeout: 5s }
  - label: WEB
    address: 192.168.200.100
    ports: [12100]
    protocol: sctp
    realServers:
      - { label: C }
    check: { type: on }
`;
  const parsed = parseServices(file);
  console.log(problemsOf(parsed).map(formatProblem).join("\n"));
  assert.deepEqual(lines(parsed), [
    "3 unknown-key heartbeat.deadtme",
    "4 wrong-value heartbeat.warntime",
    "6 wrong-value floatingIps[0].address",
    "8 wrong-value virtualServices[0].label",
    "10 wrong-value virtualServices[0].ports[0]",
    "13 duplicate virtualServices[0].realServers[1].label",
    "14 contradiction virtualServices[0].realServers[2].address",
    "15 timing virtualServices[0].check.timeout",
    "19 wrong-value virtualServices[1].protocol",
    "21 missing-key virtualServices[1].realServers[0].address",
  ]);
});

test("an unknown key names the one that was probably meant, at any depth", () => {
  const file = REFERENCE.replace("interval:", "intervall:").replace("weight:", "wieght:");
  const wants = problemsOf(parseServices(file)).map((problem) => problem.want);
  assert.deepEqual(wants, [
    "a known key (did you mean weight?)",
    "a known key (did you mean interval?)",
  ]);
});

test("labels with quotes, control characters, spaces or too many letters are refused", () => {
  for (const label of [
    '"a\\"b"',
    '"a\\u001b[2J"',
    "'a b'",
    "'../etc'",
    "'-rf'",
    "a".repeat(65),
    '""',
  ]) {
    const problems = problemsOf(parseServices(REFERENCE.replace("label: VNA", `label: ${label}`)));
    assert.equal(problems.length, 1, label);
    assert.equal(problems[0]?.path, "virtualServices[0].label");
    assert.doesNotMatch(problems.map(formatProblem).join(""), /\p{Cc}/u);
  }
});

test("a key full of control characters is shown escaped, with its line", () => {
  const problems = problemsOf(parseServices(`${REFERENCE}"a\\nb\\e[31m": 1\n`));
  assert.equal(problems[0]?.line, 15);
  assert.doesNotMatch(problems.map(formatProblem).join(""), /\p{Cc}/u);
});

test("port 0 and port 65536 are refused, 1 and 65535 are taken", () => {
  const withPorts = (ports: string) =>
    parseServices(REFERENCE.replace(/ports: \[.*\]/, `ports: [${ports}]`));
  for (const ports of ["0", "65536", "0-5", "5-65536", "'x'", "1.5", "-1", "null"]) {
    assert.deepEqual(lines(withPorts(ports)), ["7 wrong-value virtualServices[0].ports[0]"], ports);
  }
  assert.ok(withPorts("1, 65535").ok);
  assert.equal(withPorts("").ok, false);
});

test("YAML anchors and aliases are refused before they can grow", () => {
  const bomb = `a: &a [x, x]\n${"bcdefghij"
    .split("")
    .map((key, i) => `${key}: &${key} [*${"abcdefghi"[i]}, *${"abcdefghi"[i]}]`)
    .join("\n")}\n`;
  const problems = problemsOf(parseServices(bomb));
  assert.equal(problems.length, 18);
  assert.ok(problems.every((problem) => problem.code === "yaml-alias"));
  assert.equal(problems[0]?.line, 2);
});

test("a 50 MB file is refused by its size at once", () => {
  const before = performance.now();
  const problems = problemsOf(parseServices("a: 1\n".repeat(10 * 1024 * 1024)));
  assert.equal(problems[0]?.code, "file-too-large");
  assert.match(problems[0]?.want ?? "", new RegExp(`${CONFIG_BYTES_MAX}`));
  assert.ok(performance.now() - before < 2000);
});

test("files made to be slow end in seconds: brackets, keys, nesting, overlapping ports", () => {
  const hostile: Record<string, string> = {
    brackets: "}".repeat(50_000),
    keys: Array.from({ length: 20_000 }, (_, i) => `k${i}: 1\n`).join(""),
    lists: "[".repeat(20_000),
    sections: Array.from({ length: 2000 }, (_, i) => `${" ".repeat(i)}a:\n`).join(""),
    ports: REFERENCE.replace(/ports: \[.*\]/, `ports: [${Array(128).fill("1-65535")}]`),
  };
  for (const [name, text] of Object.entries(hostile)) {
    const before = performance.now();
    const problems = problemsOf(parseServices(text));
    const tookMs = Math.round(performance.now() - before);
    console.log(`${name}: ${problems.length} problems in ${tookMs} ms`);
    assert.ok(problems.length <= PROBLEMS_LISTED_MAX + 1);
    assert.ok(tookMs < 10_000, `${name} took ${tookMs} ms`);
  }
});

test("more problems than are listed are counted", () => {
  const problems = problemsOf(
    parseServices(
      "x: 1\n".replace("x", "a") + Array.from({ length: 999 }, (_, i) => `k${i}: 1\n`).join(""),
    ),
  );
  assert.equal(problems.length, PROBLEMS_LISTED_MAX + 1);
  assert.deepEqual(problems.at(-1)?.got, "1000");
});

test("what YAML lets pass silently is told: repeated keys, unknown tags, two documents", () => {
  assert.deepEqual(lines(parseServices("a: 1\na: 2\n")), ["2 duplicate "]);
  assert.deepEqual(lines(parseServices("heartbeat: !x {}\n")), ["1 yaml-syntax "]);
  assert.equal(parseServices("a: 1\n---\nb: 1\n").ok, false);
  assert.deepEqual(lines(parseServices("a: \u0000\n")), ["undefined not-text "]);
  assert.equal(parseServices("- a\n").ok, false);
  assert.equal(parseServices("__proto__: { polluted: 1 }\n").ok, false);
});

test("appliance.yaml parses with its defaults, and its contradictions are told", () => {
  const good = `node: { name: lb1, designation: primary }
peer:
  name: lb2
  paths: [ { local: 192.168.200.1, peer: 192.168.200.2 }, { local: 192.168.100.1, peer: 192.168.100.2 } ]
  ssh: { address: 192.168.100.2 }
kernel: { markMask: 0x00ffffff }
`;
  const parsed = parseAppliance(good);
  assert.ok(parsed.ok);
  assert.equal(parsed.value.peer?.ssh.user, "lbpair-sync");
  const bad = good
    .replace("name: lb2", "name: lb1")
    .replace("peer: 192.168.100.2", "peer: 192.168.200.1")
    .concat("checks: { user: root }\n");
  assert.deepEqual(lines(parseAppliance(bad)), [
    "3 contradiction peer.name",
    "4 duplicate peer.paths[1].peer",
    "7 contradiction checks.user",
  ]);
});

test("modes.yaml refuses a server with two modes and a mode that is none", () => {
  const file = `serial: 3
modes:
  - { service: VNA, server: A, mode: halt }
  - { service: VNA, server: A, mode: drain }
  - { service: VNA, server: B, mode: online }
`;
  assert.deepEqual(lines(parseModes(file)), [
    "4 duplicate modes[1].server",
    "5 wrong-value modes[2].mode",
  ]);
  assert.ok(parseModes("").ok);
});

// coverage-rule.test.ts — a service is called covered only where the packet alone names its server and its VIP.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CoverageService, coverageByRule } from "./coverage-rule.js";
import { listPorts } from "./ports.js";

const service = (label: string, more: Partial<CoverageService> = {}): CoverageService => ({
  label,
  address: "192.168.200.100",
  ports: [{ first: 12_000, last: 12_001 }],
  protocol: "tcp",
  scheduler: "weighted-hash",
  realServers: [{ label: "A", address: "192.168.100.110", port: 0 }],
  fallback: { address: "192.168.100.120", port: 0 },
  ...more,
});
const covered = (...services: CoverageService[]): boolean[] =>
  coverageByRule(services).map((each) => each.byRule);

test("one server and a fallback on the client's ports are covered", () => {
  const [answer] = coverageByRule([service("VNA")]);
  assert.equal(answer?.byRule, true);
  assert.match(answer?.reason ?? "", /one real server to choose/);
});

test("a scheduler that is no function of the packet is covered with one server only", () => {
  const two = [
    { label: "A", address: "192.168.100.110" },
    { label: "B", address: "192.168.100.111" },
  ];
  const robin = { scheduler: "weighted-round-robin" };
  assert.deepEqual(covered(service("VNA", robin)), [true]);
  assert.deepEqual(covered(service("VNA", { ...robin, realServers: two })), [false]);
  assert.deepEqual(covered(service("VNA", { realServers: two })), [true]);
});

test("a fallback with a port of its own behind several ports is not covered, behind one it is", () => {
  const fallback = { address: "192.168.100.120", port: 9081 };
  assert.deepEqual(covered(service("VNA", { fallback })), [false]);
  assert.deepEqual(covered(service("VNA", { fallback, ports: [{ first: 80, last: 80 }] })), [true]);
});

test("a server that answers the same port for two VIPs covers neither, in different protocols both", () => {
  const other = { address: "192.168.200.101" };
  assert.deepEqual(covered(service("ONE"), service("TWO", other)), [false, false]);
  assert.deepEqual(covered(service("ONE"), service("TWO", { ...other, protocol: "udp" })), [
    true,
    true,
  ]);
});

test("two services are both covered exactly where no server port of theirs meets under another VIP", () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 4 }))
    .map(([first, more]) => ({ first, last: first + more }));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 3 }), range, (ports, only) => {
      const two = service("TWO", { address: "192.168.200.101", ports: [only] });
      const meets = listPorts(ports).some((port) => port >= only.first && port <= only.last);
      assert.deepEqual(covered(service("ONE", { ports }), two), [!meets, !meets]);
    }),
  );
});

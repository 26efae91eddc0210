// coverage-rule.test.ts — which configurations survive a failover with no table sync.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CoverageService, coverageByRule } from "./coverage-rule.js";
import { listPorts } from "./ports.js";

const service = (fields: Partial<CoverageService>): CoverageService => ({
  label: "VNA",
  address: "192.168.200.100",
  ports: [
    { first: 12000, last: 12000 },
    { first: 12300, last: 12301 },
  ],
  protocol: "tcp",
  scheduler: "weighted-hash",
  realServers: [{ label: "A", address: "192.168.100.110", port: 0 }],
  fallback: { address: "192.168.100.120" },
  ...fields,
});

const other = (fields: Partial<CoverageService>): CoverageService =>
  service({
    label: "VNB",
    address: "192.168.200.101",
    realServers: [{ label: "B", address: "192.168.100.111" }],
    fallback: undefined,
    ...fields,
  });

const verdicts = (...services: CoverageService[]): Record<string, boolean> =>
  Object.fromEntries(coverageByRule(services).map((one) => [one.label, one.byRule]));

test("the reference deployment is covered by rule", () => {
  const [covered] = coverageByRule([service({})]);
  assert.equal(covered?.byRule, true);
  assert.match(covered?.reason ?? "", /one real server/);
});

test("several servers are covered only where the packet alone chooses", () => {
  const realServers = [{ address: "192.168.100.110" }, { address: "192.168.100.111" }];
  assert.deepEqual(verdicts(service({ realServers })), { VNA: true });
  for (const scheduler of ["round-robin", "least-connections"]) {
    assert.deepEqual(verdicts(service({ realServers, scheduler })), { VNA: false });
    assert.deepEqual(
      verdicts(service({ scheduler })),
      { VNA: true },
      "one server: nothing to choose",
    );
  }
});

test("one port of a server for several ports of the service is not covered", () => {
  const fallback = { address: "192.168.100.120", port: 8080 };
  const [result] = coverageByRule([service({ fallback })]);
  assert.equal(result?.byRule, false);
  assert.match(
    result?.reason ?? "",
    /fallback server .* answers all 3 ports of the service on its port 8080/,
  );
  assert.deepEqual(verdicts(service({ fallback, ports: [{ first: 80, last: 80 }] })), {
    VNA: true,
  });
});

test("a server's port that answers for two services covers neither, and both say so", () => {
  const shared = { label: "S", address: "192.168.100.110" };
  const results = coverageByRule([service({}), other({ realServers: [shared] })]);
  assert.deepEqual(
    results.map((one) => one.byRule),
    [false, false],
  );
  assert.match(results[0]?.reason ?? "", /tcp port 12000 for VNB too/);
  assert.match(results[1]?.reason ?? "", /tcp port 12000 for VNA too/);
});

test("a shared server is covered where ports or protocols differ", () => {
  const realServers = [{ label: "S", address: "192.168.100.110" }];
  assert.deepEqual(
    verdicts(service({}), other({ realServers, ports: [{ first: 443, last: 443 }] })),
    { VNA: true, VNB: true },
  );
  assert.deepEqual(verdicts(service({}), other({ realServers, protocol: "udp" })), {
    VNA: true,
    VNB: true,
  });
  assert.deepEqual(verdicts(service({}), other({ realServers, protocol: "both" })), {
    VNA: false,
    VNB: false,
  });
});

test("a translated port that meets another service's own port is ambiguous", () => {
  const ports = [{ first: 80, last: 80 }];
  const realServers = [{ label: "S", address: "192.168.100.110", port: 12300 }];
  assert.deepEqual(verdicts(service({}), other({ ports, realServers })), {
    VNA: false,
    VNB: false,
  });
});

test("two services that share only their fallback server's ports are not covered", () => {
  const results = verdicts(service({}), other({ fallback: { address: "192.168.100.120" } }));
  assert.deepEqual(results, { VNA: false, VNB: false });
});

test("10,000 services are judged within two seconds of processor time", () => {
  const services = Array.from({ length: 10_000 }, (_, i) =>
    service({
      label: `s${i}`,
      address: `10.${i >> 8}.${i & 255}.1`,
      realServers: [{ address: `10.${i >> 8}.${i & 255}.2` }],
      fallback: undefined,
    }),
  );
  const started = process.cpuUsage();
  assert(coverageByRule(services).every((one) => one.byRule));
  const { user, system } = process.cpuUsage(started);
  const tookMs = (user + system) / 1000;
  assert(tookMs < 2000, `${tookMs} ms`);
});

test("two services are covered exactly where their shared server answers no port for both", () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 4 }))
    .map(([first, more]) => ({ first, last: first + more }));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 3 }), range, (ports, only) => {
      const { realServers } = service({});
      const meets = listPorts(ports).some((port) => port >= only.first && port <= only.last);
      assert.deepEqual(verdicts(service({ ports }), other({ ports: [only], realServers })), {
        VNA: !meets,
        VNB: !meets,
      });
    }),
  );
});

// config-check.test.ts — timings one step either side of their limits, and overlaps of every shape.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkServices, checkTimings } from "./config-check.js";
import { parseServices } from "./config-file.js";
import { formatPortRange, listPorts } from "./ports.js";

const GOOD = {
  keepalive: 200,
  warntime: 500,
  deadtime: 1000,
  initdead: 31_000,
  lease: 800,
  loneLease: 30_000,
  healthDamping: 1000,
  flapWindow: 600_000,
  flapHold: 1_800_000,
};
const found = (change: Partial<typeof GOOD>, severity: "warning" | undefined): string[] =>
  checkTimings({ ...GOOD, ...change })
    .filter((problem) => problem.severity === severity)
    .map((problem) => problem.path.replace("heartbeat.", ""));
const told = (change: Partial<typeof GOOD>): string[] => found(change, undefined);

test("each relation of the timings holds to the millisecond", () => {
  assert.deepEqual(told({}), []);
  const limits: [Partial<typeof GOOD>, Partial<typeof GOOD>, string][] = [
    [{ lease: 999 }, { lease: 1000 }, "lease"],
    [{ lease: 401 }, { lease: 400 }, "lease"],
    [{ warntime: 999 }, { warntime: 1000 }, "warntime"],
    [{ warntime: 201 }, { warntime: 200 }, "warntime"],
    [{ initdead: 30_000 }, { initdead: 29_999 }, "initdead"],
    [{ loneLease: 800 }, { loneLease: 799 }, "loneLease"],
    [{ healthDamping: 200 }, { healthDamping: 199 }, "healthDamping"],
    [{ flapWindow: 1001 }, { flapWindow: 1000 }, "flapWindow"],
    [{ flapHold: 1000 }, { flapHold: 999 }, "flapHold"],
  ];
  for (const [fits, breaks, name] of limits) {
    assert.deepEqual(told(fits), [], JSON.stringify(fits));
    assert.deepEqual(told(breaks), [name], JSON.stringify(breaks));
  }
  const fast = { keepalive: 10, warntime: 20, lease: 30 };
  assert.deepEqual(told({ ...fast, deadtime: 31 }), []);
  const tight = { keepalive: 100, warntime: 150, deadtime: 200, lease: 201 };
  assert.ok(told(tight).includes("deadtime"));
  assert.ok(!told({ ...tight, deadtime: 202 }).includes("deadtime"));
});

test("a warntime that leaves no room for probes before deadtime is warned of, with the number", () => {
  assert.deepEqual(found({ warntime: 980 }, "warning"), []);
  assert.deepEqual(found({ warntime: 981 }, "warning"), ["warntime"]);
  const [problem] = checkTimings({ ...GOOD, warntime: 990 });
  assert.match(problem?.want ?? "", /at most 980ms/);
});

test("initdead shorter than loneLease is refused: a waking node could claim beside a lone active", () => {
  const [problem] = checkTimings({ ...GOOD, initdead: 10_000 });
  assert.match(problem?.want ?? "", /loneLease of 30s/);
});

const service = (label: string, ports: string, more = "") => `
  - label: ${label}
    address: 192.168.200.100
    ports: [${ports}]
    realServers: [ { label: A, address: 192.168.100.110 } ]
    check: { type: on }
    ${more}`;

test("the later of two overlapping claims is told, with the earlier one's place", () => {
  const parsed = parseServices(
    `virtualServices:${service("WIDE", "100-200")}${service("NARROW", "150")}${service("UDP", "150", "protocol: udp")}\n`,
  );
  assert.ok(!parsed.ok);
  assert.deepEqual(
    parsed.problems.map(({ code, path, got }) => ({ code, path, got })),
    [
      {
        code: "overlap",
        path: "virtualServices[1].ports[0]",
        got: "150, which WIDE has in virtualServices[0].ports[0]",
      },
    ],
  );
});

test("an overlap is found exactly where two claims share a port, in whatever order they stand", () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 5 }))
    .map(([first, more]) => ({ first, last: first + more }));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 8 }), (ranges) => {
      const ports = ranges.flatMap((each) => listPorts([each]));
      const overlaps = checkServices({
        virtualServices: [{ label: "S", address: "10.0.0.1", protocol: "both", ports: ranges }],
      }).filter((problem) => problem.code === "overlap");
      const shown = ranges.map(formatPortRange).join(",");
      assert.equal(overlaps.length > 0, new Set(ports).size < ports.length, shown);
    }),
  );
});

test("a server or fallback that is a floating IP contradicts itself", () => {
  const found = checkServices({
    floatingIps: [{ label: "gateway", address: "10.0.0.254" }],
    virtualServices: [
      {
        label: "S",
        address: "10.0.0.1",
        realServers: [{ label: "A", address: "10.0.0.254", port: 0 }],
        fallback: { address: "10.0.0.1", port: 0 },
      },
    ],
  });
  assert.deepEqual(
    found.map((problem) => problem.path),
    ["virtualServices[0].realServers[0].address", "virtualServices[0].fallback.address"],
  );
});

test("a fixed server port behind several ports is a warning, not an error", () => {
  const parsed = parseServices(
    `virtualServices:${service("S", "80, 443", "fallback: { address: 192.168.100.120, port: 9081 }")}\n`,
  );
  assert.ok(parsed.ok);
  assert.deepEqual(
    parsed.warnings.map((warning) => warning.line),
    [7],
  );
});

test("a minimum of connections is below the maximum, and there is none without one", () => {
  const told = (minConnections: number, maxConnections: number) =>
    checkServices({
      virtualServices: [{ realServers: [{ minConnections, maxConnections }] }],
    }).map((problem) => [problem.path, problem.want]);
  const path = "virtualServices[0].realServers[0].minConnections";
  assert.deepEqual([told(0, 0), told(0, 5), told(4, 5)], [[], [], []]);
  assert.deepEqual(told(5, 5), [[path, "less than maxConnections, 5"]]);
  assert.deepEqual(told(1, 0), [[path, "0 without maxConnections"]]);
});

test("a wide range counts as one port of the kernel's; a connect check of thousands of ports is refused", () => {
  const told = (type: "connect" | "ping", last: number, many = 1) =>
    checkServices({
      virtualServices: Array.from({ length: many }, (_, i) => ({
        address: `10.0.${i >> 8}.${i & 255}`,
        protocol: "tcp" as const,
        ports: [{ first: 1, last }],
        check: { type },
      })),
    }).map((problem) => problem.path);
  assert.deepEqual(told("connect", 4096), []);
  assert.deepEqual(told("connect", 4097), ["virtualServices[0].check.type"]);
  assert.deepEqual(told("ping", 65_535, 1000), []);
  assert.deepEqual(told("ping", 65_535, 1001), ["virtualServices"]);
});

test("outbound rules and permissions contradict neither themselves nor each other", () => {
  const rule = { label: "o", from: "10.1.0.0/16", to: "0.0.0.0/0", as: "10.0.0.9" };
  const permit = (more: object) => ({
    label: "r",
    from: "10.1.0.0/16",
    to: "10.2.0.0/16",
    ...more,
  });
  const told = (config: Parameters<typeof checkServices>[0]) =>
    checkServices({ floatingIps: [{ address: "10.0.0.9" }], ...config }).map(({ path }) => path);
  assert.deepEqual(told({ outbound: [rule] }), []);
  assert.deepEqual(told({ outbound: [{ ...rule, as: "10.0.0.8" }] }), ["outbound[0].as"]);
  assert.deepEqual(told({ outbound: [rule, { ...rule, label: "p", from: "10.1.2.0/24" }] }), [
    "outbound[1]",
  ]);
  const ports = (first: number, last: number) => [{ first, last }];
  const tcp = permit({ protocol: "tcp", ports: ports(20, 30) });
  const second = (more: object) => told({ routed: [tcp, { ...permit(more), label: "s" }] });
  assert.deepEqual(second({ protocol: "tcp", ports: ports(31, 40) }), []);
  assert.deepEqual(second({ protocol: "udp", ports: ports(20, 30) }), []);
  assert.deepEqual(second({ protocol: "any" }), []);
  assert.deepEqual(second({ protocol: "tcp", ports: ports(30, 40) }), ["routed[1]"]);
  assert.deepEqual(second({ protocol: "tcp" }), ["routed[1]"]);
  assert.deepEqual(second({ protocol: "icmp", ports: ports(1, 1) }), ["routed[1].ports"]);
});

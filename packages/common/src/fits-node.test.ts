import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAppliance, parseServices, understandServices } from "./config-file.js";
import { judgeFit, judgePaths, judgeScripts, type NodeFacts } from "./fits-node.js";

const appliance = parseAppliance(`node: { name: lb1, designation: primary }
peer:
  name: lb2
  paths: [ { local: 192.168.200.1, peer: 192.168.200.2 } ]
  ssh: { address: 192.168.100.2 }
`);
const servicesWith = (vip: string, gateway = "192.168.100.254") => {
  const parsed = parseServices(`floatingIps: [ { label: gateway, address: ${gateway} } ]
virtualServices:
  - label: VNA
    address: ${vip}
    ports: [12000]
    realServers: [ { label: P, address: 192.168.100.110 } ]
    check: { type: external, script: ibm }
`);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
};

function view(more: Partial<NodeFacts> = {}): NodeFacts {
  assert.ok(appliance.ok);
  const own = (link: string, address: string, prefixLength = 24) => ({
    link,
    address,
    prefixLength,
  });
  return {
    addresses: [
      own("lo", "127.0.0.1", 8),
      own("eth0", "192.168.100.1"),
      own("eth1", "192.168.200.1"),
      own("eth1", "192.168.200.100", 32),
    ],
    appliance: appliance.value,
    floating: new Set(["192.168.200.100"]),
    ...more,
  };
}
const codes = (vip: string, gateway?: string, more?: Partial<NodeFacts>) =>
  judgeFit(servicesWith(vip, gateway), view(more), "services.yaml").map(
    ({ code, path }) => `${code} ${path}`,
  );

test("a floating address that this node holds because it is active is no conflict", () => {
  assert.deepEqual(codes("192.168.200.100"), []);
});

test("an address that is the node's own is refused, whatever its prefix", () => {
  assert.deepEqual(codes("192.168.200.1"), ["address-local virtualServices[0].address"]);
  assert.deepEqual(codes("192.168.200.100", undefined, { floating: new Set() }), [
    "address-local virtualServices[0].address",
  ]);
});

test("an address that belongs to the peer is refused", () => {
  assert.deepEqual(codes("192.168.200.2"), ["address-local virtualServices[0].address"]);
  assert.deepEqual(codes("192.168.200.100", "192.168.100.2"), [
    "address-local floatingIps[0].address",
  ]);
});

test("an address in no network of this node is refused, and its networks are named", () => {
  assert.deepEqual(codes("192.168.201.100"), ["no-interface virtualServices[0].address"]);
  const [problem] = judgeFit(servicesWith("10.0.0.1"), view(), "services.yaml");
  assert.match(problem?.want ?? "", /eth0 192\.168\.100\.1\/24, eth1 192\.168\.200\.1\/24/);
});

test("a check script that is missing is named, with those that are there", () => {
  const [problem, ...more] = judgeScripts(
    servicesWith("192.168.200.100"),
    new Set(["b", "a"]),
    "f",
  );
  assert.equal(more.length, 0);
  assert.match(`${problem?.want}`, /\(a, b\)/);
  assert.deepEqual(judgeScripts(servicesWith("192.168.200.100"), new Set(["ibm"]), "f"), []);
});

test("what does not fit is told of a file that is wrong in other ways as well", () => {
  const text = `virtualServices:
  - label: VNA
    address: 192.168.200.1
    ports: [70000]
    realServers: []
    check: { type: external, script: gone }
`;
  const understood = understandServices(text);
  assert.deepEqual(
    judgeFit(understood, view(), "f").map(({ code }) => code),
    ["address-local"],
  );
  assert.deepEqual(
    judgeScripts(understood, new Set(), "f").map(({ got }) => got),
    ["gone"],
  );
});

test("DHCP on a link that carries floating IPs is refused; a router's advertisement beside a fixed address is not", () => {
  const own = (link: string, address: string, prefixLength: number, dynamic = false) => ({
    link,
    address,
    prefixLength,
    dynamic,
  });
  const having = (...more: ReturnType<typeof own>[]) => ({
    addresses: [own("eth0", "192.168.100.1", 24), own("eth1", "192.168.200.1", 24), ...more],
  });
  const vip = "192.168.200.100";
  const refused = ["contradiction virtualServices[0].address"];
  assert.deepEqual(codes(vip, undefined, having(own("eth1", "10.7.7.7", 16, true))), refused);
  assert.deepEqual(codes(vip, undefined, having(own("eth2", "10.7.7.7", 16, true))), []);
  const ipv6 = [own("eth1", "fd00:1::abcd", 64, true), own("eth1", "fd00:1::1", 64)];
  assert.deepEqual(codes(vip, "fd00:1::100", having(...ipv6)), []);
  assert.deepEqual(codes(vip, "fd00:1::100", having(...ipv6.slice(0, 1))), [
    "contradiction floatingIps[0].address",
  ]);
});

test("checks come from addresses that are this node's own and stay here", () => {
  assert.ok(appliance.ok);
  const sources = ["192.168.100.1", "192.168.200.100", "192.168.100.9"];
  const node = view({ appliance: { ...appliance.value, checks: { user: "nobody", sources } } });
  const problems = judgePaths(node, "appliance.yaml");
  assert.deepEqual(
    problems.map(({ code, path, got }) => [code, path, got]),
    [
      ["no-interface", "checks.sources[1]", "192.168.200.100"],
      ["no-interface", "checks.sources[2]", "192.168.100.9"],
    ],
  );
  assert.match(problems[0]?.want ?? "", /stays here/);
});

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import {
  LINK_NAME_LENGTH_MAX,
  macOf,
  networkName,
  type PairDigest,
  planDevices,
  virtualDevice,
  virtualMacs,
} from "./virtual-mac.js";

const pair =
  (key: string): PairDigest =>
  (text) =>
    createHmac("sha256", key).update(text).digest();
const VIP = { address: "192.168.200.100", label: "vip" };
const GATEWAY = { address: "192.168.100.254", label: "gateway" };

const node = (front: string, back: string, last: number) => ({
  placed: [
    { ...VIP, link: front },
    { ...GATEWAY, link: back },
  ],
  networks: [
    { link: front, linkIndex: 3, address: `192.168.200.${last}`, prefixLength: 24 },
    { link: back, linkIndex: 2, address: `192.168.100.${last}`, prefixLength: 24 },
    { link: back, linkIndex: 2, address: "192.168.100.254", prefixLength: 32 },
    { link: front, linkIndex: 3, address: `10.0.0.${last}`, prefixLength: 8 },
  ],
});

test("both nodes find the same MAC for a network, whatever their links are called", () => {
  const one = node("eth1", "eth0", 1);
  const two = node("ens224", "bond0.100", 2);
  const [first, second] = [one, two].map((each) =>
    virtualMacs(each.placed, each.networks, pair("key")),
  );
  const macs = (all: typeof first) =>
    (all ?? []).map(({ mac, addresses }) => `${addresses} ${mac}`).sort();
  console.log(macs(first).join("\n"));
  assert.deepEqual(macs(first), macs(second));
  assert.equal(new Set((first ?? []).map(({ mac }) => mac)).size, 2, "one for each network");
  assert.deepEqual(
    (second ?? []).map(({ device }) => device),
    ["lbv-bond0.100", "lbv-ens224"],
  );
});

test("a thousand pairs on a hundred networks have as many MACs, all local and for one receiver", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 1000; i += 1) {
    for (let network = 0; network < 100; network += 1) {
      const mac = macOf(pair(`key ${i}`), networkName(`10.${network}.0.${i % 250}`, 24));
      assert.match(mac, /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
      seen.add(mac);
    }
  }
  assert.equal(seen.size, 100_000);
});

test("a network's name is that of no address in it", () => {
  assert.equal(networkName("192.168.200.77", 24), "4 c0a8c800/24");
  assert.equal(networkName("192.168.203.77", 22), networkName("192.168.200.1", 22));
  assert.notEqual(networkName("192.168.200.1", 24), networkName("192.168.200.1", 25));
  assert.equal(networkName("fd00:9::1", 64), "6 fd000009000000000000000000000000/64");
});

test("a device's name fits what Linux allows, for the longest name of a link too", () => {
  for (const link of ["eth1", "enp130s0f1np1", "x".repeat(LINK_NAME_LENGTH_MAX)]) {
    const name = virtualDevice(link, 2_147_483_647);
    assert.ok(name.length <= LINK_NAME_LENGTH_MAX, name);
  }
  assert.equal(virtualDevice("enp130s0f1np1", 12), "lbv12");
});

test("a device that is there and right is left alone; a wrong one is replaced, another is a stray", () => {
  const { placed, networks } = node("eth1", "eth0", 1);
  const wanted = virtualMacs(placed, networks, pair("key"));
  const present = wanted.map(({ device, link, mac }) => ({ device, link, mac, up: true }));
  assert.deepEqual(planDevices(wanted, present), { make: [], replace: [], stray: [] });
  const [first, second] = present;
  assert.ok(first !== undefined && second !== undefined);
  const others = [
    { ...first, mac: "02:00:00:00:00:01" },
    { ...second, up: false },
    { device: "lbv-eth7", link: "eth7", mac: first.mac, up: true },
  ];
  const plan = planDevices(wanted, others);
  assert.deepEqual(plan.make, wanted);
  assert.deepEqual(plan.replace, [first.device]);
  assert.deepEqual(plan.stray, ["lbv-eth7"]);
});

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import type { LinkState } from "./adapters/addresses.js";
import type { VirtualLinks } from "./adapters/virtual-link.js";
import type { PairDigest, VirtualMac } from "./core/virtual-mac.js";
import { VirtualMacs } from "./virtual-macs.js";

const digest: PairDigest = (text) => createHmac("sha256", "key").update(text).digest();
const PLACED = [{ address: "10.0.0.100", label: "vip", link: "eth1" }];
const ETH1: LinkState = {
  link: "eth1",
  index: 3,
  mac: "02:00:00:00:00:01",
  carrier: true,
  networks: [{ address: "10.0.0.1", prefixLength: 24 }],
};

/** Devices that the kernel makes unless it refuses, and what it was asked for. */
function kernel(refusal?: string) {
  const asked: string[] = [];
  const links: LinkState[] = [ETH1];
  const devices: VirtualLinks = {
    make: async (wanted: readonly VirtualMac[]) => {
      asked.push(`make ${wanted.map(({ device }) => device).join()}`);
      if (refusal !== undefined) return new Map(wanted.map(({ link }) => [link, refusal]));
      for (const { device, mac, link } of wanted) {
        links.push({
          ...{ link: device, index: 9, mac, carrier: true, networks: [] },
          over: { link, up: true },
        });
      }
      return new Map();
    },
    remove: async (names) => {
      asked.push(`remove ${names.join()}`);
    },
  };
  return { asked, links, devices };
}

test("floating IPs stand on the device once it is there, and on the link before", async () => {
  const { asked, links, devices } = kernel();
  const virtual = new VirtualMacs(devices);
  virtual.plan(PLACED, links, digest);
  assert.equal(virtual.deviceOf("eth1"), "eth1");
  assert.equal(await virtual.make(), true);
  assert.equal(virtual.deviceOf("eth1"), "lbv-eth1");
  virtual.plan(PLACED, links, digest);
  assert.equal(virtual.incomplete, false);
  await virtual.make();
  assert.deepEqual(asked, ["make lbv-eth1"], "what is there is not made again");
});

test("a device that cannot be is told, tried again only after a while, and the link serves", async () => {
  const { asked, links, devices } = kernel("Operation not supported");
  const virtual = new VirtualMacs(devices);
  for (let look = 1; look <= 12; look += 1) {
    virtual.plan(PLACED, links, digest);
    if (virtual.incomplete) await virtual.make();
    assert.equal(virtual.deviceOf("eth1"), "eth1");
    assert.deepEqual(virtual.possible, []);
    assert.deepEqual(
      virtual.problems.map(({ code, got }) => `${code} ${got}`),
      ["virtual-mac Operation not supported"],
    );
  }
  assert.deepEqual(asked, ["make lbv-eth1", "make lbv-eth1"]);
});

test("without the setting what an earlier one left is a stray, and goes", async () => {
  const { asked, links, devices } = kernel();
  const virtual = new VirtualMacs(devices);
  virtual.plan(PLACED, links, digest);
  await virtual.make();
  virtual.plan(PLACED, links, undefined);
  assert.equal(virtual.deviceOf("eth1"), "eth1");
  await virtual.clear();
  await virtual.clear();
  assert.deepEqual(asked, ["make lbv-eth1", "remove lbv-eth1"]);
});

test("a virtual MAC that the peer does not say it has is a problem; a peer never heard is none", async () => {
  const { links, devices } = kernel();
  const virtual = new VirtualMacs(devices);
  virtual.plan(PLACED, links, digest);
  await virtual.make();
  const own = virtual.of("eth1")?.mac ?? "";
  assert.deepEqual(virtual.disagreement([]), []);
  assert.deepEqual(virtual.disagreement([own, "02:00:00:00:00:02"]), []);
  const [problem] = virtual.disagreement(["02:00:00:00:00:02"]);
  assert.match(problem?.want ?? "", /on the peer too/);
});

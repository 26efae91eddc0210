// address.test.ts — one address has one form, and only a host's address passes as one.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addressBytes,
  familyOf,
  inNetwork,
  isHostAddress,
  networkOf,
  networksMeet,
  normalAddress,
  normalNetwork,
} from "./address.js";

test("addresses are brought into one form", () => {
  assert.equal(normalAddress("192.168.200.100"), "192.168.200.100");
  assert.equal(normalAddress("2001:DB8:0:0::0:1"), "2001:db8::1");
  assert.equal(familyOf("2001:db8::1"), 6);
  assert.equal(familyOf("192.168.200.100"), 4);
});

test("half addresses, octal ones, zones and words are none", () => {
  const bad = [
    "",
    "1.2.3",
    "192.168.1.256",
    "192.168.001.1",
    "0x7f.0.0.1",
    "1.2.3.4/24",
    "fe80::1%eth0",
    "a",
  ];
  for (const text of bad) assert.equal(normalAddress(text), undefined, text);
});

test("an address that no host can own on a routed network is told apart", () => {
  const never = [
    "0.0.0.0",
    "127.0.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "169.254.1.1",
    "::",
    "::1",
    "fe80::1",
    "ff02::1",
    "::ffff:1.2.3.4",
  ];
  for (const address of never) assert.equal(isHostAddress(address), false, address);
  for (const address of ["192.168.1.1", "10.0.0.1", "2001:db8::1"])
    assert.ok(isHostAddress(address));
});

test("an address lies in its own network and in no network of the other family", () => {
  assert.ok(inNetwork("192.168.200.100", "192.168.200.1", 24));
  assert.ok(!inNetwork("192.168.201.100", "192.168.200.1", 24));
  assert.ok(inNetwork("2001:db8::9", "2001:db8::1", 64));
  assert.ok(!inNetwork("2001:db8::9", "192.168.200.1", 24));
});

test("the form is stable, and as many octets come out as the family has", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const once = normalAddress(text);
      if (once === undefined) return;
      assert.equal(normalAddress(once), once);
      assert.equal(addressBytes(once).length, familyOf(once) === 4 ? 4 : 16);
    }),
  );
});

test("a network has one form, and no bits beyond its length", () => {
  assert.equal(normalNetwork("192.168.100.0/24"), "192.168.100.0/24");
  assert.equal(normalNetwork("0.0.0.0/0"), "0.0.0.0/0");
  assert.equal(normalNetwork("2001:DB8::/32"), "2001:db8::/32");
  for (const bad of [
    "192.168.100.1/24",
    "192.168.100.0",
    "10.0.0.0/33",
    "10.0.0.0/8/8",
    "10.0.0.0/",
  ]) {
    assert.equal(normalNetwork(bad), undefined, bad);
  }
  assert.equal(networkOf("192.168.200.77", 20), "192.168.192.0");
  assert.equal(networkOf("2001:db8:1:2:3::4", 56), "2001:db8:1::");
});

test("two networks meet where one holds the other", () => {
  assert.ok(networksMeet("10.0.0.0/8", "10.1.0.0/16"));
  assert.ok(networksMeet("10.1.2.3/32", "0.0.0.0/0"));
  assert.ok(!networksMeet("10.1.0.0/16", "10.2.0.0/16"));
  assert.ok(!networksMeet("0.0.0.0/0", "::/0"));
});

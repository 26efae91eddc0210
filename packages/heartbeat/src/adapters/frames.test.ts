// frames.test.ts — promises of arp-frame.ts and na-frame.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gratuitousArp } from "./arp-frame.js";
import { unsolicitedAdvertisement } from "./na-frame.js";

const MAC = "6e:2f:62:f9:07:2c";

test("a gratuitous request and reply name the address as sender and target", () => {
  const start = "ffffffffffff6e2f62f9072c0806000108000604";
  const padding = "00".repeat(18);
  assert.equal(
    gratuitousArp("192.168.200.100", MAC, "request").toString("hex"),
    `${start}00016e2f62f9072cc0a8c864000000000000c0a8c864${padding}`,
  );
  assert.equal(
    gratuitousArp("192.168.200.100", MAC, "reply").toString("hex"),
    `${start}00026e2f62f9072cc0a8c864ffffffffffffc0a8c864${padding}`,
  );
});

test("an unsolicited advertisement is the one tcpdump found right, checksum included", () => {
  assert.equal(
    unsolicitedAdvertisement("fd00::100", MAC).toString("hex"),
    "3333000000016e2f62f9072c86dd" +
      "6000000000203afffd000000000000000000000000000100ff020000000000000000000000000001" +
      "88000249a0000000fd00000000000000000000000000010002016e2f62f9072c",
  );
});

test("a MAC that is none is refused", () => {
  assert.throws(
    () => gratuitousArp("10.0.0.1", "6e:2f", "reply"),
    /want an Ethernet address, got 6e:2f/,
  );
});

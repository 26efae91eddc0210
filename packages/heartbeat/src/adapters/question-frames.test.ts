// question-frames.test.ts — promises of arp-frame.ts, ns-frame.ts and echo-frame.ts: questions and their answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { internetChecksum } from "@lbpair/common/light";
import { arpQuestion, gratuitousArp, NO_ADDRESS, readArpClaim } from "./arp-frame.js";
import { echoRequest, readEchoReply } from "./echo-frame.js";
import { unsolicitedAdvertisement } from "./na-frame.js";
import { neighbourQuestion, readNeighbourClaim } from "./ns-frame.js";

const OWN = "6e:2f:62:f9:07:2c";
const OTHER = "02:00:00:00:00:02";
const NAME = { identifier: 0x1234, secret: Buffer.from("12345678") };

test("an ARP probe claims nothing; a question in an address's name claims that address", () => {
  const probe = arpQuestion("10.0.0.9", { mac: OWN, address: NO_ADDRESS });
  assert.equal(
    probe.subarray(0, 42).toString("hex"),
    "ffffffffffff6e2f62f9072c080600010800060400016e2f62f9072c000000000000000000000a000009",
  );
  assert.equal(readArpClaim(probe), undefined);
  const asked = arpQuestion("10.0.0.9", { mac: OWN, address: "10.0.0.1" }, OTHER);
  assert.equal(asked.subarray(0, 6).toString("hex"), "020000000002");
  assert.deepEqual(readArpClaim(asked), { address: "10.0.0.1", mac: OWN });
  assert.deepEqual(readArpClaim(gratuitousArp("10.0.0.7", OTHER, "reply")), {
    address: "10.0.0.7",
    mac: OTHER,
  });
});

test("what is no whole ARP packet claims nothing", () => {
  const frame = gratuitousArp("10.0.0.7", OTHER, "reply");
  assert.equal(readArpClaim(frame.subarray(0, 41)), undefined);
  for (const at of [12, 14, 16, 18, 19, 20]) {
    const broken = Buffer.from(frame);
    broken.writeUInt8(0x7f, at);
    assert.equal(readArpClaim(broken), undefined, `octet ${at}`);
  }
});

test("a question from :: claims nothing; advertisement and question in an address's name do", () => {
  const probe = neighbourQuestion("fd00::9", { mac: OWN, address: "::" });
  assert.equal(probe.subarray(0, 6).toString("hex"), "3333ff000009");
  assert.equal(probe.subarray(38, 54).toString("hex"), "ff0200000000000000000001ff000009");
  assert.equal(readNeighbourClaim(probe), undefined);
  const asked = neighbourQuestion("fd00::9", { mac: OWN, address: "fd00::1" }, OTHER);
  assert.deepEqual(readNeighbourClaim(asked), { address: "fd00::1", mac: OWN });
  assert.deepEqual(readNeighbourClaim(unsolicitedAdvertisement("fd00::7", OTHER)), {
    address: "fd00::7",
    mac: OTHER,
  });
  const forwarded = Buffer.from(asked);
  forwarded.writeUInt8(254, 21);
  assert.equal(readNeighbourClaim(forwarded), undefined, "it came through a router");
});

test("an echo's answer is known by name and secret; anything else is nobody's answer", () => {
  for (const [from, to, reply] of [
    ["10.0.0.100", "10.0.0.1", 0],
    ["fd00::100", "fd00::1", 129],
  ] as const) {
    const request = echoRequest({ fromMac: OWN, toMac: OTHER, from, to }, NAME, 7);
    assert.equal(readEchoReply(request, NAME), undefined, "a question is no answer");
    const answer = Buffer.from(request);
    answer.writeUInt8(reply, answer.length - 16);
    const read = readEchoReply(answer, NAME);
    assert.deepEqual(read, { fromMac: OWN, toMac: OTHER, from, to, sequence: 7 });
    assert.equal(readEchoReply(answer, { ...NAME, identifier: 1 }), undefined);
    assert.equal(readEchoReply(answer, { ...NAME, secret: Buffer.alloc(8) }), undefined);
    assert.equal(readEchoReply(answer.subarray(0, -1), NAME), undefined);
  }
});

test("checksums come out as the receiver's kernel wants them: the sum over all is zero", () => {
  const v4 = echoRequest({ fromMac: OWN, toMac: OTHER, from: "10.0.0.1", to: "10.0.0.2" }, NAME, 1);
  assert.equal(internetChecksum(v4.subarray(14, 34)), 0);
  assert.equal(internetChecksum(v4.subarray(34)), 0);
  assert.equal(internetChecksum(Buffer.from([0xff])), 0x00ff, "an odd octet is the high one");
});

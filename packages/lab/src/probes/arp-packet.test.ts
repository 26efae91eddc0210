import assert from "node:assert/strict";
import { test } from "node:test";
import { arpQuestion, macBytes, readClaim } from "./arp-packet.js";

const US = { mac: "02:00:00:00:f0:3c", ip: "192.168.200.60" };
const HOLDER = "02:00:00:00:f0:01";
const VIP = "192.168.200.100";

test("a question is a broadcast that claims only our own address", () => {
  const question = arpQuestion(US, VIP);
  assert.equal(
    question.toString("hex"),
    "ffffffffffff" +
      "02000000f03c" +
      "0806" +
      "0001" +
      "0800" +
      "06" +
      "04" +
      "0001" +
      "02000000f03c" +
      "c0a8c83c" +
      "000000000000" +
      "c0a8c864",
  );
  assert.deepEqual(readClaim(question, HOLDER), {
    address: US.ip,
    mac: US.mac,
    from: US.mac,
    kind: "request",
  });
});

/** A question turned round: as the holder sends it. */
function fromHolder(change: { operation: number; toUs: boolean; target: string }): Buffer {
  const packet = arpQuestion({ mac: HOLDER, ip: VIP }, change.target);
  packet.writeUInt16BE(change.operation, 20);
  if (change.toUs) macBytes(US.mac).copy(packet, 0);
  return packet;
}

test("a reply to us is an answer", () => {
  const claim = readClaim(fromHolder({ operation: 2, toUs: true, target: US.ip }), US.mac);
  assert.deepEqual(claim, { address: VIP, mac: HOLDER, from: HOLDER, kind: "answer" });
});

test("gratuitous requests and replies are announcements", () => {
  for (const operation of [1, 2]) {
    const claim = readClaim(fromHolder({ operation, toUs: false, target: VIP }), US.mac);
    assert.equal(claim?.kind, "announcement");
  }
});

test("a node that asks for another address in the VIP's name claims the VIP", () => {
  const packet = fromHolder({ operation: 1, toUs: false, target: "192.168.200.50" });
  assert.deepEqual(readClaim(packet, US.mac)?.kind, "request");
  assert.deepEqual(readClaim(packet, US.mac)?.address, VIP);
});

test("short and foreign packets claim nothing", () => {
  assert.equal(readClaim(Buffer.alloc(41), US.mac), undefined);
  const ipv6 = arpQuestion(US, VIP);
  ipv6.writeUInt16BE(0x86dd, 12);
  assert.equal(readClaim(ipv6, US.mac), undefined);
});

// ip-packet.test.ts — promises of ip-packet.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { synPacket } from "./ip-packet.js";

const sum = (bytes: Uint8Array): number => {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
};

test("a forged SYN has the fields and both checksums right", () => {
  const packet = synPacket({
    source: "192.168.200.100",
    sourcePort: 12000,
    destination: "192.168.200.50",
    destinationPort: 40000,
    sequence: 0xdeadbeef,
  });
  const view = new DataView(packet.buffer);
  assert.equal(packet.length, 40);
  assert.equal(view.getUint16(2), 40);
  assert.equal(sum(packet.subarray(0, 20)), 0xffff);
  const pseudo = new Uint8Array([...packet.subarray(12, 20), 0, 6, 0, 20, ...packet.subarray(20)]);
  assert.equal(sum(pseudo), 0xffff);
  assert.deepEqual(
    [view.getUint16(20), view.getUint16(22), view.getUint32(24), view.getUint8(33)],
    [12000, 40000, 0xdeadbeef, 0x02],
  );
});

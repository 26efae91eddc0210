// arp-frame.ts — gratuitous ARP as an Ethernet frame (no I/O).
import { addressBytes } from "@lbpair/common";

export const ETHER_TYPE_ARP = 0x0806;
export const BROADCAST_MAC = "ff:ff:ff:ff:ff:ff";

/** "02:00:00:aa:00:01" to six octets. Throws TypeError where the text is no such address. */
export function macBytes(mac: string): number[] {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) {
    throw new TypeError(`want an Ethernet address, got ${mac}`);
  }
  return mac.split(":").map((octet) => Number.parseInt(octet, 16));
}

export type ArpOperation = "request" | "reply";

/**
 * RFC 826, over Ethernet; 60 octets with padding:
 *   0 destination  6 source  12 0x0806 | 14 hardware 1  16 protocol 0x0800  18 lengths 6, 4
 *   20 operation  22 sender MAC  28 sender IP  32 target MAC  38 target IP
 * Sender and target IP are both the address that is announced (RFC 5227 section 3: a request is
 * what an announcement should be; the reply is for those who learn from replies only).
 */
export function gratuitousArp(address: string, mac: string, operation: ArpOperation): Buffer {
  const frame = Buffer.alloc(60);
  const own = macBytes(mac);
  const ip = addressBytes(address);
  frame.set(macBytes(BROADCAST_MAC), 0);
  frame.set(own, 6);
  frame.writeUInt16BE(ETHER_TYPE_ARP, 12);
  frame.writeUInt16BE(1, 14);
  frame.writeUInt16BE(0x0800, 16);
  frame.writeUInt8(6, 18);
  frame.writeUInt8(4, 19);
  frame.writeUInt16BE(operation === "request" ? 1 : 2, 20);
  frame.set(own, 22);
  frame.set(ip, 28);
  // A request's target MAC is ignored (RFC 5227 section 2.3 leaves it zero); a reply goes to all.
  if (operation === "reply") frame.set(macBytes(BROADCAST_MAC), 32);
  frame.set(ip, 38);
  return frame;
}

// na-frame.ts — unsolicited neighbour advertisement as an Ethernet frame (no I/O).
import { addressBytes } from "@lbpair/common";
import { macBytes } from "./arp-frame.js";

export const ETHER_TYPE_IPV6 = 0x86dd;
const ALL_NODES = "ff02::1";
/** RFC 2464 section 7: 33:33 and the last four octets of ff02::1. */
const ALL_NODES_MAC = "33:33:00:00:00:01";
const ICMPV6 = 58;
const NEIGHBOUR_ADVERTISEMENT = 136;
const TARGET_LINK_ADDRESS = 2;
/**
 * RFC 4861 section 4.4. Override: replace what you remember. Router: the node forwards, and a host
 * that is told otherwise drops it as its default router (section 7.2.5).
 */
const ROUTER_AND_OVERRIDE = 0xa0;

/** RFC 1071 over the pseudo header (RFC 8200 section 8.1) and the message. */
function checksum(source: number[], destination: number[], message: Buffer): number {
  const pseudo = Buffer.alloc(40);
  pseudo.set(source, 0);
  pseudo.set(destination, 16);
  pseudo.writeUInt32BE(message.length, 32);
  pseudo.writeUInt8(ICMPV6, 39);
  const all = Buffer.concat([pseudo, message]);
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) sum += all.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * RFC 4861 section 7.2.6; 86 octets:
 *   0 Ethernet | 14 IPv6, hop limit 255 | 54 type 136  58 flags  62 target  78 option 2: our MAC
 */
export function unsolicitedAdvertisement(address: string, mac: string): Buffer {
  const source = addressBytes(address);
  const destination = addressBytes(ALL_NODES);
  const message = Buffer.alloc(32);
  message.writeUInt8(NEIGHBOUR_ADVERTISEMENT, 0);
  message.writeUInt8(ROUTER_AND_OVERRIDE, 4);
  message.set(source, 8);
  message.writeUInt8(TARGET_LINK_ADDRESS, 24);
  message.writeUInt8(1, 25);
  message.set(macBytes(mac), 26);
  message.writeUInt16BE(checksum(source, destination, message), 2);

  const head = Buffer.alloc(54);
  head.set(macBytes(ALL_NODES_MAC), 0);
  head.set(macBytes(mac), 6);
  head.writeUInt16BE(ETHER_TYPE_IPV6, 12);
  head.writeUInt8(0x60, 14);
  head.writeUInt16BE(message.length, 18);
  head.writeUInt8(ICMPV6, 20);
  head.writeUInt8(255, 21);
  head.set(source, 22);
  head.set(destination, 38);
  return Buffer.concat([head, message]);
}

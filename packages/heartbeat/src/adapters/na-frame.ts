// na-frame.ts — unsolicited neighbour advertisement as an Ethernet frame (no I/O).
import { addressBytes } from "@lbpair/common/light";
import { macBytes } from "./arp-frame.js";
import { icmpv6Frame } from "./icmpv6-frame.js";

const ALL_NODES = "ff02::1";
/** RFC 2464 section 7: 33:33 and the last four octets of ff02::1. */
const ALL_NODES_MAC = "33:33:00:00:00:01";
const NEIGHBOUR_ADVERTISEMENT = 136;
const TARGET_LINK_ADDRESS = 2;
/**
 * RFC 4861 section 4.4. Override: replace what you remember. Router: the node forwards, and a host
 * that is told otherwise drops it as its default router (section 7.2.5).
 */
const ROUTER_AND_OVERRIDE = 0xa0;

/**
 * RFC 4861 section 7.2.6; 86 octets:
 *   0 Ethernet | 14 IPv6, hop limit 255 | 54 type 136  58 flags  62 target  78 option 2: our MAC
 */
export function unsolicitedAdvertisement(address: string, mac: string): Buffer {
  const message = Buffer.alloc(32);
  message.writeUInt8(NEIGHBOUR_ADVERTISEMENT, 0);
  message.writeUInt8(ROUTER_AND_OVERRIDE, 4);
  message.set(addressBytes(address), 8);
  message.writeUInt8(TARGET_LINK_ADDRESS, 24);
  message.writeUInt8(1, 25);
  message.set(macBytes(mac), 26);
  return icmpv6Frame(message, {
    fromMac: mac,
    toMac: ALL_NODES_MAC,
    from: address,
    to: ALL_NODES,
  });
}

// icmpv6-frame.ts — an ICMPv6 message with its IPv6 and Ethernet headers (no I/O).
import { addressBytes, internetChecksum } from "@lbpair/common/light";
import { macBytes } from "./arp-frame.js";

export const ETHER_TYPE_IPV6 = 0x86dd;
const ICMPV6 = 58;
/** Neighbour discovery is believed only with this one (RFC 4861 section 7.1); no router lets it pass. */
const HOP_LIMIT = 255;

/** Who speaks to whom, on the link and on the network. */
export interface Ends {
  readonly fromMac: string;
  readonly toMac: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Fills in the message's checksum (RFC 4443 section 2.3) and puts the headers before it:
 *   0 Ethernet | 14 IPv6, hop limit 255 | 54 the message
 */
export function icmpv6Frame(message: Buffer, ends: Ends): Buffer {
  const source = addressBytes(ends.from);
  const destination = addressBytes(ends.to);
  // The pseudo header of RFC 8200 section 8.1.
  const pseudo = Buffer.alloc(40);
  pseudo.set(source, 0);
  pseudo.set(destination, 16);
  pseudo.writeUInt32BE(message.length, 32);
  pseudo.writeUInt8(ICMPV6, 39);
  message.writeUInt16BE(internetChecksum(Buffer.concat([pseudo, message])), 2);

  const head = Buffer.alloc(54);
  head.set(macBytes(ends.toMac), 0);
  head.set(macBytes(ends.fromMac), 6);
  head.writeUInt16BE(ETHER_TYPE_IPV6, 12);
  head.writeUInt8(0x60, 14);
  head.writeUInt16BE(message.length, 18);
  head.writeUInt8(ICMPV6, 20);
  head.writeUInt8(HOP_LIMIT, 21);
  head.set(source, 22);
  head.set(destination, 38);
  return Buffer.concat([head, message]);
}

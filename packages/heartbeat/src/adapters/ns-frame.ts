// ns-frame.ts — IPv6 neighbour discovery: questions, and what others say (no I/O).
import { addressBytes, addressText } from "@lbpair/common/light";
import { type Claim, macBytes, macText } from "./arp-frame.js";
import { ETHER_TYPE_IPV6, icmpv6Frame } from "./icmpv6-frame.js";

const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const SOURCE_LINK_ADDRESS = 1;
const TARGET_LINK_ADDRESS = 2;
export const UNSPECIFIED = "::";

/** The multicast group and MAC that the owner of an address listens to (RFC 4291 2.7.1, RFC 2464 7). */
function solicitedNode(target: string): { readonly address: string; readonly mac: string } {
  const last = addressBytes(target).slice(13);
  const group = [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...last];
  return {
    address: addressText(Uint8Array.from(group)),
    mac: macText(Uint8Array.from([0x33, 0x33, 0xff, ...last])),
  };
}

/**
 * Who has `target`? RFC 4861 section 4.3. From :: it asks like duplicate detection (RFC 4862 section
 * 5.4.2), which changes nobody's cache and is answered to all nodes; from an address, whoever is
 * asked remembers that address with our MAC.
 */
export function neighbourQuestion(
  target: string,
  from: { readonly mac: string; readonly address: string },
  to?: string,
): Buffer {
  const unspecified = from.address === UNSPECIFIED;
  const message = Buffer.alloc(unspecified ? 24 : 32);
  message.writeUInt8(NEIGHBOUR_SOLICITATION, 0);
  message.set(addressBytes(target), 8);
  if (!unspecified) {
    message.writeUInt8(SOURCE_LINK_ADDRESS, 24);
    message.writeUInt8(1, 25);
    message.set(macBytes(from.mac), 26);
  }
  const group = solicitedNode(target);
  return icmpv6Frame(message, {
    fromMac: from.mac,
    toMac: to ?? group.mac,
    from: from.address,
    // A question from :: goes to the group only (RFC 4861 section 7.1.1).
    to: to === undefined || unspecified ? group.address : target,
  });
}

const isNeighbourDiscovery = (frame: Buffer): boolean =>
  frame.length >= 78 && frame.readUInt16BE(12) === ETHER_TYPE_IPV6 && frame.readUInt8(20) === 58;

/** The MAC in an option of a solicitation or advertisement, else the frame's own sender. */
function linkAddress(frame: Buffer, option: number): string {
  for (let at = 78; at + 8 <= frame.length; ) {
    const octets = 8 * frame.readUInt8(at + 1);
    if (octets === 0) break;
    if (frame.readUInt8(at) === option) return macText(frame.subarray(at + 2, at + 8));
    at += octets;
  }
  return macText(frame.subarray(6, 12));
}

/** The claim of a neighbour discovery packet; undefined for duplicate detection and for anything else. */
export function readNeighbourClaim(frame: Buffer): Claim | undefined {
  if (!isNeighbourDiscovery(frame) || frame.readUInt8(21) !== 255) return undefined;
  const type = frame.readUInt8(54);
  if (type === NEIGHBOUR_ADVERTISEMENT) {
    const address = addressText(frame.subarray(62, 78));
    return { address, mac: linkAddress(frame, TARGET_LINK_ADDRESS) };
  }
  const source = addressText(frame.subarray(22, 38));
  if (type !== NEIGHBOUR_SOLICITATION || source === UNSPECIFIED) return undefined;
  return { address: source, mac: linkAddress(frame, SOURCE_LINK_ADDRESS) };
}

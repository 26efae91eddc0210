// arp-frame.ts — ARP as Ethernet frames: announcements, questions, and what others say (no I/O).
import { addressBytes, addressText } from "@lbpair/common/light";

export const ETHER_TYPE_ARP = 0x0806;
export const BROADCAST_MAC = "ff:ff:ff:ff:ff:ff";

/** "02:00:00:aa:00:01" to six octets. Throws TypeError where the text is no such address. */
export function macBytes(mac: string): number[] {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) {
    throw new TypeError(`want an Ethernet address, got ${mac}`);
  }
  return mac.split(":").map((octet) => Number.parseInt(octet, 16));
}

/** Six octets to "02:00:00:aa:00:01". */
export const macText = (octets: Uint8Array): string =>
  Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(":");

export type ArpOperation = "request" | "reply";

/**
 * RFC 826, over Ethernet; 60 octets with padding:
 *   0 destination  6 source  12 0x0806 | 14 hardware 1  16 protocol 0x0800  18 lengths 6, 4
 *   20 operation  22 sender MAC  28 sender IP  32 target MAC  38 target IP
 * Sender and target IP are both the address that is announced (RFC 5227 section 3: a request is
 * what an announcement should be; the reply is for those who learn from replies only).
 */
export function gratuitousArp(address: string, mac: string, operation: ArpOperation): Buffer {
  const frame = arpFrame(operation, mac, address, address, BROADCAST_MAC);
  // A request's target MAC is ignored (RFC 5227 section 2.3 leaves it zero); a reply goes to all.
  if (operation === "reply") frame.set(macBytes(BROADCAST_MAC), 32);
  return frame;
}

export const NO_ADDRESS = "0.0.0.0";

/**
 * Who has `target`? From 0.0.0.0 it is a probe (RFC 5227 section 1.1), which changes nobody's cache;
 * from an address, whoever is asked remembers that address with our MAC (RFC 826). Sent to
 * everybody, or to the one MAC that should answer.
 */
export const arpQuestion = (
  target: string,
  from: { readonly mac: string; readonly address: string },
  to: string = BROADCAST_MAC,
): Buffer => arpFrame("request", from.mac, from.address, target, to);

function arpFrame(
  operation: ArpOperation,
  mac: string,
  sender: string,
  target: string,
  to: string,
): Buffer {
  const frame = Buffer.alloc(60);
  const own = macBytes(mac);
  frame.set(macBytes(to), 0);
  frame.set(own, 6);
  frame.writeUInt16BE(ETHER_TYPE_ARP, 12);
  frame.writeUInt16BE(1, 14);
  frame.writeUInt16BE(0x0800, 16);
  frame.writeUInt8(6, 18);
  frame.writeUInt8(4, 19);
  frame.writeUInt16BE(operation === "request" ? 1 : 2, 20);
  frame.set(own, 22);
  frame.set(addressBytes(sender), 28);
  frame.set(addressBytes(target), 38);
  return frame;
}

/** Whose address a frame speaks for, and with which MAC. */
export interface Claim {
  readonly address: string;
  readonly mac: string;
}

/** The claim of an ARP packet, request or reply; undefined for a probe and for what is no ARP. */
export function readArpClaim(frame: Buffer): Claim | undefined {
  if (frame.length < 42 || frame.readUInt16BE(12) !== ETHER_TYPE_ARP) return undefined;
  // Ethernet, IPv4, six and four octets; request or reply.
  if (frame.readUInt32BE(14) !== 0x0001_0800 || frame.readUInt16BE(18) !== 0x0604) return undefined;
  const operation = frame.readUInt16BE(20);
  if (operation !== 1 && operation !== 2) return undefined;
  const address = addressText(frame.subarray(28, 32));
  if (address === NO_ADDRESS) return undefined;
  return { address, mac: macText(frame.subarray(22, 28)) };
}

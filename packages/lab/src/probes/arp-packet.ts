// arp-packet.ts — ARP over Ethernet as bytes (RFC 826): questions asked, claims heard.

const ETHERNET_BYTES = 14;
const ARP_BYTES = 28;
export const ETHERTYPE_ARP = 0x0806;
const REQUEST = 1;
const REPLY = 2;

export const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(":", ""), "hex");
export const macText = (bytes: Buffer): string =>
  (bytes.toString("hex").match(/../g) ?? []).join(":");
const ipBytes = (ip: string): Buffer => Buffer.from(ip.split(".").map(Number));
const ipText = (bytes: Buffer): string => [...bytes].join(".");

/** A broadcast question: who has `target`? */
export function arpQuestion(sender: { mac: string; ip: string }, target: string): Buffer {
  const packet = Buffer.alloc(ETHERNET_BYTES + ARP_BYTES);
  packet.fill(0xff, 0, 6);
  macBytes(sender.mac).copy(packet, 6);
  packet.writeUInt16BE(ETHERTYPE_ARP, 12);
  packet.writeUInt16BE(1, 14);
  packet.writeUInt16BE(0x0800, 16);
  packet.writeUInt8(6, 18);
  packet.writeUInt8(4, 19);
  packet.writeUInt16BE(REQUEST, 20);
  macBytes(sender.mac).copy(packet, 22);
  ipBytes(sender.ip).copy(packet, 28);
  ipBytes(target).copy(packet, 38);
  return packet;
}

/**
 * How an address was claimed. answer: a reply to our question. announcement: gratuitous, request or
 * reply, that nobody asked for. request: the claimant asks for another address in its name.
 */
export type ClaimKind = "answer" | "announcement" | "request";

export interface HeardClaim {
  readonly address: string;
  /** Sender in the ARP body: what neighbours learn. */
  readonly mac: string;
  /** Sender in the Ethernet header: who sent it. */
  readonly from: string;
  readonly kind: ClaimKind;
}

/** The claim a packet makes; undefined where it is no ARP for IPv4 over Ethernet. */
export function readClaim(packet: Buffer, ourMac: string): HeardClaim | undefined {
  if (packet.length < ETHERNET_BYTES + ARP_BYTES) return undefined;
  if (packet.readUInt16BE(12) !== ETHERTYPE_ARP || packet.readUInt16BE(16) !== 0x0800) {
    return undefined;
  }
  const operation = packet.readUInt16BE(20);
  if (operation !== REQUEST && operation !== REPLY) return undefined;
  const address = ipText(packet.subarray(28, 32));
  const toUs = macText(packet.subarray(0, 6)) === ourMac;
  const gratuitous = address === ipText(packet.subarray(38, 42));
  const kind =
    operation === REPLY && toUs && !gratuitous
      ? "answer"
      : operation === REPLY || gratuitous
        ? "announcement"
        : "request";
  return {
    address,
    mac: macText(packet.subarray(22, 28)),
    from: macText(packet.subarray(6, 12)),
    kind,
  };
}

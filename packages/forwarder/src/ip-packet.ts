// ip-packet.ts — a forged TCP SYN as bytes: IPv4 header (RFC 791), TCP header (RFC 9293), no options.
import { addressBytes } from "@lbpair/common";

export interface Segment {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly sequence: number;
}

const IP_BYTES = 20;
const TCP_BYTES = 20;
const IP_PROTOCOL_TCP = 6;
const TTL = 64;
const FLAG_SYN = 0x02;
const WINDOW = 1024;

/** The Internet checksum (RFC 1071) of bytes that follow a partial sum. */
function checksum(bytes: Uint8Array, partial = 0): number {
  let sum = partial;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The whole datagram; the kernel fills in the identification where it is 0. */
export function synPacket(segment: Segment): Uint8Array {
  const bytes = new Uint8Array(IP_BYTES + TCP_BYTES);
  const view = new DataView(bytes.buffer);
  const source = addressBytes(segment.source);
  const destination = addressBytes(segment.destination);
  view.setUint8(0, 0x45);
  view.setUint16(2, bytes.length);
  view.setUint8(8, TTL);
  view.setUint8(9, IP_PROTOCOL_TCP);
  bytes.set(source, 12);
  bytes.set(destination, 16);
  view.setUint16(10, checksum(bytes.subarray(0, IP_BYTES)));
  const tcp = new DataView(bytes.buffer, IP_BYTES);
  tcp.setUint16(0, segment.sourcePort);
  tcp.setUint16(2, segment.destinationPort);
  tcp.setUint32(4, segment.sequence >>> 0);
  tcp.setUint8(12, (TCP_BYTES / 4) << 4);
  tcp.setUint8(13, FLAG_SYN);
  tcp.setUint16(14, WINDOW);
  const pseudo = [...source, ...destination, 0, IP_PROTOCOL_TCP, 0, TCP_BYTES];
  let partial = 0;
  for (let i = 0; i < pseudo.length; i += 2) {
    partial += ((pseudo[i] ?? 0) << 8) | (pseudo[i + 1] ?? 0);
  }
  tcp.setUint16(16, checksum(bytes.subarray(IP_BYTES), partial));
  return bytes;
}

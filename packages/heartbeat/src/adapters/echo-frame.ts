// echo-frame.ts — ICMP and ICMPv6 echo as Ethernet frames, from any address to any MAC (no I/O).
import { addressBytes, addressText, familyOf, internetChecksum } from "@lbpair/common/light";
import { macBytes, macText } from "./arp-frame.js";
import { type Ends, ETHER_TYPE_IPV6, icmpv6Frame } from "./icmpv6-frame.js";

export const ETHER_TYPE_IPV4 = 0x0800;
const ICMP = 1;
const ICMPV6 = 58;
const TTL = 64;
const ECHO_REPLY = 0;
const ECHO_REQUEST = 8;
const ECHO_REPLY_6 = 129;
const ECHO_REQUEST_6 = 128;

/** Random numbers of this run, by which its own questions are known in the answers. */
export interface EchoName {
  /** 16 bits; the kernel's filter looks at it. */
  readonly identifier: number;
  /** Eight octets, sent along and compared. */
  readonly secret: Buffer;
}

export interface EchoReply extends Ends {
  readonly sequence: number;
}

/** Type, code, checksum, identifier, sequence (RFC 792, RFC 4443 section 4.1), and the secret. */
function echoMessage(type: number, name: EchoName, sequence: number): Buffer {
  const message = Buffer.alloc(16);
  message.writeUInt8(type, 0);
  message.writeUInt16BE(name.identifier, 4);
  message.writeUInt16BE(sequence, 6);
  message.set(name.secret, 8);
  return message;
}

/** An echo request; the source may be an address that other machines believe to be elsewhere. */
export function echoRequest(ends: Ends, name: EchoName, sequence: number): Buffer {
  if (familyOf(ends.to) === 6) {
    return icmpv6Frame(echoMessage(ECHO_REQUEST_6, name, sequence), ends);
  }
  const message = echoMessage(ECHO_REQUEST, name, sequence);
  message.writeUInt16BE(internetChecksum(message), 2);
  const ip = Buffer.alloc(20);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(ip.length + message.length, 2);
  ip.writeUInt8(TTL, 8);
  ip.writeUInt8(ICMP, 9);
  ip.set(addressBytes(ends.from), 12);
  ip.set(addressBytes(ends.to), 16);
  ip.writeUInt16BE(internetChecksum(ip), 10);
  const head = Buffer.alloc(14);
  head.set(macBytes(ends.toMac), 0);
  head.set(macBytes(ends.fromMac), 6);
  head.writeUInt16BE(ETHER_TYPE_IPV4, 12);
  return Buffer.concat([head, ip, message]);
}

interface Packet {
  readonly from: string;
  readonly to: string;
  readonly message: Buffer;
  readonly reply: number;
}

function packetOf(frame: Buffer): Packet | undefined {
  const type = frame.length < 34 ? 0 : frame.readUInt16BE(12);
  if (type === ETHER_TYPE_IPV4 && frame.readUInt8(23) === ICMP) {
    const [from, to] = [frame.subarray(26, 30), frame.subarray(30, 34)].map(addressText);
    const message = frame.subarray(14 + 4 * (frame.readUInt8(14) & 0xf));
    return { from: from ?? "", to: to ?? "", message, reply: ECHO_REPLY };
  }
  if (type === ETHER_TYPE_IPV6 && frame.length >= 54 && frame.readUInt8(20) === ICMPV6) {
    const [from, to] = [frame.subarray(22, 38), frame.subarray(38, 54)].map(addressText);
    return { from: from ?? "", to: to ?? "", message: frame.subarray(54), reply: ECHO_REPLY_6 };
  }
  return undefined;
}

/** The answer to a question of this name; undefined for every other frame. */
export function readEchoReply(frame: Buffer, name: EchoName): EchoReply | undefined {
  const packet = packetOf(frame);
  if (packet === undefined || packet.message.length < 16) return undefined;
  const { from, to, message, reply } = packet;
  if (message.readUInt8(0) !== reply || message.readUInt16BE(4) !== name.identifier)
    return undefined;
  if (!message.subarray(8, 16).equals(name.secret)) return undefined;
  const toMac = macText(frame.subarray(0, 6));
  const fromMac = macText(frame.subarray(6, 12));
  return { fromMac, toMac, from, to, sequence: message.readUInt16BE(6) };
}

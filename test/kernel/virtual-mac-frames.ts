// virtual-mac-frames.ts — one frame of every kind that a switch may bring for a virtual MAC.
import { addressBytes } from "@lbpair/common";
import { gratuitousArp, macBytes } from "@lbpair/heartbeat";

export const VIP = "10.9.0.100";
export const VIP6 = "fd00:9::100";
export const MAC = "02:5e:11:22:33:44";

/** What is thrown at the virtual MAC: an Ethernet frame with as much of a packet as the gate reads. */
export function packet(to: string, kind: "udp" | "icmp" | { readonly tcp: number }): Buffer {
  const bytes = addressBytes(to);
  const v6 = bytes.length === 16;
  const head = v6 ? 40 : 20;
  const frame = Buffer.alloc(14 + head + 20);
  frame.set(macBytes(MAC), 0);
  frame.set(macBytes("02:00:00:00:00:77"), 6);
  frame.writeUInt16BE(v6 ? 0x86dd : 0x0800, 12);
  const protocol = kind === "udp" ? 17 : kind === "icmp" ? (v6 ? 58 : 1) : 6;
  if (v6) {
    frame[14] = 0x60;
    frame.writeUInt16BE(20, 18);
    frame[20] = protocol;
    frame[21] = 64;
    frame.set(addressBytes("fd00:9::2"), 22);
    frame.set(bytes, 38);
  } else {
    frame[14] = 0x45;
    frame.writeUInt16BE(40, 16);
    frame[22] = 64;
    frame[23] = protocol;
    frame.set(addressBytes("10.9.0.2"), 26);
    frame.set(bytes, 30);
  }
  const body = 14 + head;
  frame.writeUInt16BE(40_000, body);
  frame.writeUInt16BE(80, body + 2);
  if (kind === "udp") frame.writeUInt16BE(20, body + 4);
  if (kind === "icmp") frame[body] = v6 ? 128 : 8;
  if (typeof kind === "object") frame[body + 12] = 0x50;
  if (typeof kind === "object") frame[body + 13] = kind.tcp;
  return frame;
}

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];
/** A unicast question for the address, as a neighbour that remembers the MAC asks again. */
function probe(): Buffer {
  const frame = gratuitousArp(VIP, "02:00:00:00:00:77", "request");
  frame.set(macBytes(MAC), 0);
  frame.set(addressBytes("10.9.0.2"), 28);
  return frame;
}
export const THROWN: Readonly<Record<string, Buffer>> = {
  "tcp ack": packet(VIP, { tcp: ACK }),
  "tcp ack to elsewhere": packet("10.1.1.1", { tcp: ACK }),
  "tcp fin": packet(VIP, { tcp: FIN | ACK }),
  "tcp rst": packet(VIP, { tcp: RST }),
  "tcp6 ack": packet(VIP6, { tcp: ACK }),
  "tcp syn": packet(VIP, { tcp: SYN }),
  "tcp syn ack": packet(VIP, { tcp: SYN | ACK }),
  "tcp6 syn": packet(VIP6, { tcp: SYN }),
  udp: packet(VIP, "udp"),
  udp6: packet(VIP6, "udp"),
  icmp: packet(VIP, "icmp"),
  arp: probe(),
};
/** What belongs to open TCP connections. */
export const OPEN_TCP = ["tcp ack", "tcp ack to elsewhere", "tcp fin", "tcp rst", "tcp6 ack"];
export const ALL = Object.keys(THROWN);

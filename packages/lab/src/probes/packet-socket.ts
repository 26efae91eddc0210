// packet-socket.ts — raw Ethernet through AF_PACKET, which Node has not: four calls of the C library.
import { readFileSync } from "node:fs";
import koffi from "koffi";
import { ETHERTYPE_ARP } from "./arp-packet.js";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const SOCKADDR_LL_BYTES = 20;
const FRAME_BYTES_MAX = 2048;
/** EAGAIN: nothing to read now. ENETDOWN: the cable is out. */
const QUIET_ERRORS = [11, 100];

export interface PacketSocket {
  send(frame: Buffer): void;
  /** One waiting frame, or undefined where there is none; never waits. */
  receive(): Buffer | undefined;
  close(): void;
}

const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >> 8);

const libc = koffi.load("libc.so.6");
const cSocket = libc.func("int socket(int domain, int type, int protocol)");
const cBind = libc.func("int bind(int fd, const uint8_t *address, uint32_t length)");
const cSend = libc.func("long send(int fd, const uint8_t *data, size_t length, int flags)");
const cReceive = libc.func("long recv(int fd, _Out_ uint8_t *data, size_t length, int flags)");
const cClose = libc.func("int close(int fd)");

function fail(what: string): never {
  throw new Error(`${what}: errno ${koffi.errno()}`);
}

/** Opens a socket for ARP frames on one link. */
export function openArpSocket(link: string): PacketSocket {
  const index = Number(readFileSync(`/sys/class/net/${link}/ifindex`, "utf8"));
  const protocol = swap16(ETHERTYPE_ARP);
  const fd = cSocket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, protocol) as number;
  if (fd < 0) fail("socket(AF_PACKET)");
  const address = Buffer.alloc(SOCKADDR_LL_BYTES);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16LE(protocol, 2);
  address.writeInt32LE(index, 4);
  if ((cBind(fd, address, address.length) as number) < 0) fail(`bind to ${link}`);
  const buffer = Buffer.alloc(FRAME_BYTES_MAX);
  return {
    send(frame) {
      const sent = cSend(fd, frame, frame.length, MSG_DONTWAIT) as number;
      if (sent < 0 && !QUIET_ERRORS.includes(koffi.errno())) fail(`send on ${link}`);
    },
    receive() {
      const length = cReceive(fd, buffer, buffer.length, MSG_DONTWAIT) as number;
      if (length >= 0) return Buffer.from(buffer.subarray(0, length));
      if (!QUIET_ERRORS.includes(koffi.errno())) fail(`recv on ${link}`);
      return undefined;
    },
    close() {
      cClose(fd);
    },
  };
}

export const linkMac = (link: string): string =>
  readFileSync(`/sys/class/net/${link}/address`, "utf8").trim();

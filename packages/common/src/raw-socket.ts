// raw-socket.ts — frames and packets that Node's own sockets cannot send: AF_PACKET and raw IP.
// long: every kind of raw socket shares the one libc, which nothing else may see.
import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";
import { addressBytes } from "./address.js";

// <bits/socket.h>, <asm-generic/socket.h>, <linux/if_packet.h>; the same numbers on x64 and arm64.
const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_RAW = 255;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
const SO_MARK = 36;
const MSG_DONTWAIT = 0x40;
const SOL_RAW = 255;
/** raw(7); of level SOL_ICMPV6 it is ICMPV6_FILTER, the same number. What has its bit set is dropped. */
const ICMP_FILTER = 1;

/** Largest frame received whole; longer ones are cut to it. */
export const FRAME_BYTES_MAX = 2048;
/** Frames read in one go before the event loop gets its turn again. */
const FRAMES_PER_POLL_MAX = 256;

/** A system call on a raw socket failed; `code` is the errno's name, e.g. ENETDOWN. */
export class RawSocketError extends Error {
  readonly code: string;
  /** The system call, e.g. sendto. */
  readonly call: string;
  constructor(call: string, errno: number, about: string) {
    const code = getSystemErrorName(-errno);
    super(`${call}: ${code}${about === "" ? "" : `: ${about}`}`);
    this.name = "RawSocketError";
    this.code = code;
    this.call = call;
  }
}

/** struct sock_fprog of <linux/filter.h>. */
interface SockFprog {
  readonly len: number;
  readonly filter: Buffer;
}
const SOCK_FPROG_BYTES = 16;
const SOCK_FILTER_BYTES = 8;

interface Libc {
  errno(): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number;
  attach(fd: number, level: number, name: number, value: SockFprog, length: number): number;
  sendto(
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
    address: Buffer,
    addressLength: number,
  ): number;
  recv(fd: number, data: Buffer, length: number, flags: number): number;
  /** In a thread of koffi's own. */
  close(fd: number): void;
}

let loaded: Libc | undefined;

/** Loading koffi takes some 70 ms, so only a process that opens a raw socket pays for it. */
function libc(): Libc {
  if (loaded !== undefined) return loaded;
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  const library = koffi.load("libc.so.6");
  const close = library.func("int close(int)");
  koffi.struct("lbpair_sock_fprog", { len: "uint16_t", filter: "const uint8_t *" });
  loaded = {
    errno: () => koffi.errno(),
    socket: library.func("int socket(int, int, int)"),
    bind: library.func("int bind(int, const uint8_t *, uint32_t)"),
    setsockopt: library.func("int setsockopt(int, int, int, const uint8_t *, uint32_t)"),
    attach: library.func(
      "int setsockopt(int, int, int, const lbpair_sock_fprog *, uint32_t)",
    ) as Libc["attach"],
    sendto: library.func(
      "int64_t sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)",
    ),
    recv: library.func("int64_t recv(int, _Out_ uint8_t *, size_t, int)"),
    close: (fd) => close.async(fd, () => undefined),
  };
  return loaded;
}

/** struct sockaddr_ll of packet(7): 20 bytes, host byte order but for the protocol. */
function packetAddress(linkIndex: number, protocol: number): Buffer {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(protocol, 2);
  address.writeInt32LE(linkIndex, 4);
  return address;
}

/** struct sockaddr_in of ip(7), 16 bytes, or sockaddr_in6 of ipv6(7), 28; port 0. */
function internetAddress(destination: string): Buffer {
  if (destination.includes(":")) {
    const address = Buffer.alloc(28);
    address.writeUInt16LE(AF_INET6, 0);
    address.set(addressBytes(destination), 8);
    return address;
  }
  const octets = destination.split(".").map(Number);
  if (octets.length !== 4 || octets.some((octet) => !(octet >= 0 && octet <= 255))) {
    throw new TypeError(`want an IPv4 address to send to, got ${destination}`);
  }
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.set(octets, 4);
  return address;
}

function open(domain: number, protocol: number): number {
  const c = libc();
  const fd = c.socket(domain, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) throw new RawSocketError("socket", c.errno(), "needs CAP_NET_RAW");
  return fd;
}

function sendTo(fd: number, bytes: Buffer, address: Buffer, about: string): void {
  const c = libc();
  const sent = c.sendto(fd, bytes, bytes.length, MSG_DONTWAIT, address, address.length);
  if (sent < 0) throw new RawSocketError("sendto", c.errno(), about);
}

/**
 * Closes once: a second close could hit a descriptor that belongs to someone else by then. The end of
 * a packet socket waits for all of the kernel's readers, 10 to 30 ms (measured), and a heartbeat that
 * closes one in the middle of a take over must not: it is waited for elsewhere.
 */
function closer(fd: number): () => void {
  let closed = false;
  return () => {
    if (closed) return;
    closed = true;
    libc().close(fd);
  };
}

export interface PacketSocket {
  /**
   * Sends a whole Ethernet frame out of a link, at once or not at all. Throws RawSocketError:
   * ENETDOWN where the link is down, ENXIO where it is gone, EAGAIN where its queue is full.
   */
  send(linkIndex: number, frame: Buffer): void;
  close(): void;
}

/** A socket that sends Ethernet frames and, with protocol 0, receives none (packet(7)). */
export function openPacketSocket(): PacketSocket {
  const fd = open(AF_PACKET, 0);
  return {
    send(linkIndex, frame) {
      sendTo(fd, frame, packetAddress(linkIndex, 0), `on link ${linkIndex}`);
    },
    close: closer(fd),
  };
}

export interface RawIpSocket {
  /** Sends a whole IPv4 packet, header included (raw(7)). Throws RawSocketError. */
  send(packet: Buffer, destination: string): void;
  close(): void;
}

/** A socket that sends IPv4 packets made by us, carrying the mark that rules know them by. */
export function openRawIpSocket(mark: number): RawIpSocket {
  const c = libc();
  const fd = open(AF_INET, IPPROTO_RAW);
  const close = closer(fd);
  const value = Buffer.alloc(4);
  value.writeUInt32LE(mark);
  if (c.setsockopt(fd, SOL_SOCKET, SO_MARK, value, value.length) < 0) {
    const errno = c.errno();
    close();
    throw new RawSocketError("setsockopt SO_MARK", errno, "needs CAP_NET_ADMIN");
  }
  return {
    send(packet, destination) {
      sendTo(fd, packet, internetAddress(destination), `to ${destination}`);
    },
    close,
  };
}

export interface IcmpSocket {
  /** Sends an ICMP message by the machine's routes. Throws RawSocketError. */
  send(message: Buffer, destination: string): void;
  /** The next echo reply that came to this machine, whosever; undefined = none waits. */
  receive(): Buffer | undefined;
  close(): void;
}

/** Lets echo replies in alone: type 0 of ICMP, 129 of ICMPv6; words are little endian on x64 and arm64. */
function echoReplyFilter(family: 4 | 6): Buffer {
  const [bytes, type] = family === 4 ? [4, 0] : [32, 129];
  const filter = Buffer.alloc(bytes, 0xff);
  filter.writeUInt8(0xff & ~(1 << (type & 7)), type >> 3);
  return filter;
}

/** Replies that wait for a process held up for a second, where thousands of hosts are asked. */
const ICMP_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * A raw socket that sends any ICMP or ICMPv6 message, and receives echo replies alone; bound to an
 * own address, those to that address.
 */
export function openIcmpSocket(family: 4 | 6, source?: string): IcmpSocket {
  const c = libc();
  const six = family === 6;
  const fd = six ? open(AF_INET6, IPPROTO_ICMPV6) : open(AF_INET, IPPROTO_ICMP);
  const close = closer(fd);
  const filter = echoReplyFilter(family);
  const level = six ? IPPROTO_ICMPV6 : SOL_RAW;
  if (c.setsockopt(fd, level, ICMP_FILTER, filter, filter.length) < 0) {
    const errno = c.errno();
    close();
    throw new RawSocketError("setsockopt ICMP_FILTER", errno, "");
  }
  // Without CAP_NET_ADMIN the kernel's default has to do.
  const room = Buffer.alloc(4);
  room.writeUInt32LE(ICMP_BUFFER_BYTES);
  c.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, room, room.length);
  if (source !== undefined) {
    const address = internetAddress(source);
    if (c.bind(fd, address, address.length) < 0) {
      const errno = c.errno();
      close();
      throw new RawSocketError("bind", errno, `to ${source}`);
    }
  }
  const space = Buffer.alloc(FRAME_BYTES_MAX);
  return {
    send(message, destination) {
      sendTo(fd, message, internetAddress(destination), `to ${destination}`);
    },
    receive() {
      const length = Number(c.recv(fd, space, space.length, MSG_DONTWAIT));
      if (length < 0) return undefined;
      // IPv4 comes with its header, IPv6 without.
      return Buffer.from(space.subarray(six ? 0 : 4 * (space.readUInt8(0) & 0xf), length));
    },
    close,
  };
}

export interface PacketReceiver {
  /** Reads what waits now, without waiting for the next poll. */
  poll(): void;
  /** From now on it is looked for this often. */
  setPollMs(pollMs: number): void;
  close(): void;
}

export interface PacketReceiverOptions {
  readonly pollMs: number;
  /** A program of packet-filter.ts: what the kernel does not even queue costs next to nothing. */
  readonly filter?: Buffer;
  /** Room for frames that wait (needs CAP_NET_ADMIN); the kernel's default, some 200 frames, where absent. */
  readonly bufferBytes?: number;
}

/**
 * Hands over the frames of one EtherType that arrive on a link; our own are not among them. Looked
 * for every `pollMs` milliseconds, because libuv cannot wait for a packet socket. A link that goes
 * down is not an error: frames come again when it is up.
 */
export function openPacketReceiver(
  linkIndex: number,
  etherType: number,
  onFrame: (frame: Buffer) => void,
  options: PacketReceiverOptions,
): PacketReceiver {
  const c = libc();
  // Bound before it has a protocol, so that not one frame of another link slips in.
  const fd = open(AF_PACKET, 0);
  const close = closer(fd);
  const must = (call: string, result: number): void => {
    if (result >= 0) return;
    const errno = c.errno();
    close();
    throw new RawSocketError(call, errno, `on link ${linkIndex}`);
  };
  const { filter } = options;
  if (filter !== undefined) {
    const program = { len: filter.length / SOCK_FILTER_BYTES, filter };
    const attached = c.attach(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, SOCK_FPROG_BYTES);
    must("setsockopt SO_ATTACH_FILTER", attached);
  }
  if (options.bufferBytes !== undefined) {
    const value = Buffer.alloc(4);
    value.writeUInt32LE(options.bufferBytes);
    const set = c.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, value, value.length);
    must("setsockopt SO_RCVBUFFORCE", set);
  }
  const address = packetAddress(linkIndex, etherType);
  must("bind", c.bind(fd, address, address.length));
  const space = Buffer.alloc(FRAME_BYTES_MAX);
  let receiving = true;
  const poll = () => {
    for (let i = 0; i < FRAMES_PER_POLL_MAX && receiving; i++) {
      const length = Number(c.recv(fd, space, space.length, MSG_DONTWAIT));
      if (length < 0) return;
      onFrame(Buffer.from(space.subarray(0, length)));
    }
  };
  let timer = setInterval(poll, options.pollMs);
  return {
    poll,
    setPollMs(pollMs) {
      clearInterval(timer);
      if (receiving) timer = setInterval(poll, pollMs);
    },
    close() {
      receiving = false;
      clearInterval(timer);
      close();
    },
  };
}

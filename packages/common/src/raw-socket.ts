// raw-socket.ts — packets that Node cannot send: through libc, called by koffi.
import koffi from "koffi";
import { addressBytes } from "./address.js";

const AF_INET = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_RAW = 255;
const SOL_SOCKET = 1;
const SO_MARK = 36;

/** A call into the kernel failed; `errno` is the kernel's number for why. */
export class SocketError extends Error {
  readonly errno: number;
  constructor(call: string, errno: number) {
    super(`${call}: errno ${errno}`);
    this.name = "SocketError";
    this.errno = errno;
  }
}

const loadLibc = () => {
  const libc = koffi.load("libc.so.6");
  return {
    socket: libc.func("int socket(int domain, int type, int protocol)"),
    setsockopt: libc.func(
      "int setsockopt(int fd, int level, int option, const void *value, uint32_t length)",
    ),
    sendto: libc.func(
      "int64_t sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t size)",
    ),
    close: libc.func("int close(int fd)"),
  };
};
let loaded: ReturnType<typeof loadLibc> | undefined;

/** Loading koffi's library costs tens of milliseconds, so it happens once and on first use. */
const libc = () => {
  loaded ??= loadLibc();
  return loaded;
};

function check(call: string, result: unknown): number {
  const value = Number(result);
  if (value < 0) throw new SocketError(call, koffi.errno());
  return value;
}

export interface RawIpSocket {
  /** Sends a whole IPv4 packet, header included, to the next hop towards `destination`. Throws SocketError. */
  send(packet: Buffer, destination: string): void;
  close(): void;
}

/** A raw IPv4 socket whose packets carry `mark`; needs CAP_NET_RAW and CAP_NET_ADMIN. Never waits. */
export function openRawIpSocket(mark: number): RawIpSocket {
  const { socket, setsockopt, sendto, close } = libc();
  const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = check("socket", socket(AF_INET, type, IPPROTO_RAW));
  const value = Buffer.alloc(4);
  value.writeUInt32LE(mark >>> 0);
  try {
    check("setsockopt SO_MARK", setsockopt(fd, SOL_SOCKET, SO_MARK, value, value.length));
  } catch (error) {
    close(fd);
    throw error;
  }
  return {
    send(packet, destination) {
      const to = Buffer.alloc(16);
      to.writeUInt16LE(AF_INET, 0);
      Buffer.from(addressBytes(destination)).copy(to, 4);
      check("sendto", sendto(fd, packet, packet.length, 0, to, to.length));
    },
    close: () => {
      close(fd);
    },
  };
}

// icmp-ping.ts — ICMP and ICMPv6 echo by this node's own routes: questions out, answers in.
import { randomBytes } from "node:crypto";
import { familyOf } from "./address.js";
import { internetChecksum } from "./internet-checksum.js";
import { type IcmpSocket, openIcmpSocket } from "./raw-socket.js";

const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
const ECHO_REPLY = { 4: 0, 6: 129 } as const;
/** Type, code, checksum, identifier, sequence (RFC 792, RFC 4443 section 4.1), and a secret. */
const MESSAGE_BYTES = 16;
/** Answers read in one go; a machine that is flooded with them reads the rest later. */
const READS_MAX = 256;

export interface IcmpPing {
  /**
   * Sends one question, from an own address where that is given. Throws RawSocketError, e.g. ENETUNREACH, or EPERM where
   * nothing may be asked, EADDRNOTAVAIL where the source is not this node's.
   */
  ask(address: string, sequence: number, source?: string): void;
  /** Sequences of the questions that were answered since the last call. */
  read(): number[];
  close(): void;
}

type Family = 4 | 6;

/**
 * Opens no socket before the first question. A random identifier and secret tell this process's
 * questions from those of others: raw sockets receive every answer that comes to the machine.
 */
export function createIcmpPing(
  open: (family: Family, source?: string) => IcmpSocket = openIcmpSocket,
): IcmpPing {
  const identifier = randomBytes(2).readUInt16BE();
  const secret = randomBytes(8);
  /** By the source they are bound to, or the family. */
  const sockets = new Map<
    Family | string,
    { readonly family: Family; readonly socket: IcmpSocket }
  >();

  const isAnswer = (message: Buffer, family: Family): boolean =>
    message.length >= MESSAGE_BYTES &&
    message.readUInt8(0) === ECHO_REPLY[family] &&
    message.readUInt16BE(4) === identifier &&
    message.subarray(8, MESSAGE_BYTES).equals(secret);

  return {
    ask(address, sequence, source) {
      const family = familyOf(address);
      const message = Buffer.alloc(MESSAGE_BYTES);
      message.writeUInt8(ECHO_REQUEST[family], 0);
      message.writeUInt16BE(identifier, 4);
      message.writeUInt16BE(sequence, 6);
      message.set(secret, 8);
      // The kernel makes that of ICMPv6, which covers addresses that only it knows (RFC 3542).
      if (family === 4) message.writeUInt16BE(internetChecksum(message), 2);
      const key = source ?? family;
      const used = sockets.get(key) ?? { family, socket: open(family, source) };
      sockets.set(key, used);
      used.socket.send(message, address);
    },
    read() {
      const answered: number[] = [];
      for (const { family, socket } of sockets.values()) {
        for (let i = 0; i < READS_MAX; i += 1) {
          const message = socket.receive();
          if (message === undefined) break;
          if (isAnswer(message, family)) answered.push(message.readUInt16BE(6));
        }
      }
      return answered;
    },
    close() {
      for (const { socket } of sockets.values()) socket.close();
      sockets.clear();
    },
  };
}

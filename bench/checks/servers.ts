// servers.ts — the servers that the bench of checks asks: one process on every address of loopback.
import { createServer as createHttpServer } from "node:http";
import { createServer, type Socket } from "node:net";

/** By kind of check, the port its servers listen on. */
export const PORTS = { connect: 7001, tcp: 7002, http: 7003, dicom: 7004, silent: 7005 } as const;

const CONTEXT_ACCEPTED = Buffer.from([0x21, 0, 0, 4, 1, 0, 0, 0]);
const ECHO_REPLY_COMMAND = 0x8030;

function pdu(type: number, content: Buffer): Buffer {
  const head = Buffer.from([type, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(content.length, 2);
  return Buffer.concat([head, content]);
}

function short(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.writeUInt16LE(number, 2);
  bytes.writeUInt32LE(2, 4);
  bytes.writeUInt16LE(value, 8);
  return bytes;
}

/** The least an application entity says to be verified. */
function verify(socket: Socket): void {
  const command = Buffer.concat([
    short(0x100, ECHO_REPLY_COMMAND),
    short(0x120, 1),
    short(0x900, 0),
  ]);
  const head = Buffer.from([0, 0, 0, command.length + 2, 1, 3]);
  const answers: Readonly<Record<number, Buffer>> = {
    1: pdu(2, Buffer.concat([Buffer.alloc(68), CONTEXT_ACCEPTED])),
    4: pdu(4, Buffer.concat([head, command])),
    5: pdu(6, Buffer.alloc(4)),
  };
  socket.on("data", (bytes: Buffer) => {
    const answer = answers[bytes.readUInt8(0)];
    if (answer !== undefined) socket.write(answer);
  });
}

function listen(port: number, talk: (socket: Socket) => void): void {
  createServer((socket) => {
    socket.on("error", () => undefined);
    talk(socket);
  }).listen({ port, host: "0.0.0.0", backlog: 4096 });
}

/** Serves until its parent is gone. */
export function serve(): void {
  listen(PORTS.connect, (socket) => socket.end());
  listen(PORTS.tcp, (socket) => socket.once("data", () => socket.end("+PONG\r\n")));
  listen(PORTS.dicom, verify);
  listen(PORTS.silent, () => undefined);
  createHttpServer((_, response) => response.end("ready")).listen({
    port: PORTS.http,
    host: "0.0.0.0",
    backlog: 4096,
  });
  process.on("disconnect", () => process.exit(0));
}

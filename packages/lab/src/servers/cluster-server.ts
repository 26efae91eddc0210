// cluster-server.ts — what a cluster answers on its ports, besides real DICOM: probes, HL7, UDP echo.
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { startTicker } from "../ticker.js";
import { acknowledge, frame, HL7_BYTES_MAX, unframe } from "./hl7.js";
import {
  createTally,
  KINDS,
  type Kind,
  kindOf,
  MLLP_START,
  patternBytes,
  TALK_MS,
  type Tally,
} from "./protocol.js";

/** As much as the kernel gives without privilege: a busy machine must not look like a lossy one. */
export const UDP_BUFFER_BYTES = 212_992;

interface Talker {
  readonly socket: Socket;
  readonly seed: number;
  readonly tally: Tally;
}

export interface ClusterServerOptions {
  readonly name: string;
  readonly tcpPorts: readonly number[];
  readonly udpPorts: readonly number[];
}

interface Open {
  readonly talkers: Set<Talker>;
  readonly waiting: Set<Talker>;
}

function finish(talker: Talker): void {
  if (!talker.socket.writableEnded) talker.socket.end(talker.tally.trailer());
}

function serveEcho(talker: Talker, first: Buffer): void {
  const { socket, tally } = talker;
  const echo = (bytes: Buffer) => {
    if (bytes.length === 0) return;
    tally.add(bytes);
    socket.write(bytes);
  };
  echo(first);
  socket.on("data", echo);
  socket.on("end", () => finish(talker));
}

/** Keeps a talker among those of its kind until the client says anything more, or leaves. */
function serveUntilSpokenTo(talker: Talker, among: Set<Talker>): void {
  among.add(talker);
  talker.socket.on("data", () => {
    among.delete(talker);
    finish(talker);
  });
  talker.socket.on("end", () => talker.socket.end());
  talker.socket.on("close", () => among.delete(talker));
}

function sendPattern(talker: Talker, count: number): void {
  const bytes = patternBytes(talker.seed, talker.tally.count, count);
  talker.tally.add(bytes);
  talker.socket.write(bytes);
}

function serveHl7(socket: Socket, name: string, first: Buffer): void {
  let stream = Buffer.alloc(0);
  const take = (bytes: Buffer) => {
    const { messages, rest } = unframe(Buffer.concat([stream, bytes]));
    stream = Buffer.from(rest);
    if (stream.length > HL7_BYTES_MAX) socket.destroy();
    for (const message of messages) socket.write(frame(acknowledge(message, name)));
  };
  take(first);
  socket.on("data", take);
  socket.on("end", () => socket.end());
}

function wakeAll(socket: Socket, open: Open): void {
  for (const sleeper of open.waiting) sendPattern(sleeper, 1);
  // Once is enough: the next kick is for those that wait by then.
  open.waiting.clear();
  socket.end();
}

/** Serves a connection whose first bytes, `head`, have chosen its kind. */
function serveKind(kind: Kind, socket: Socket, head: Buffer, name: string, open: Open): void {
  const talker: Talker = { socket, seed: head[1] ?? 0, tally: createTally() };
  const services: Readonly<Record<Kind, () => void>> = {
    echo: () => serveEcho(talker, head.subarray(2)),
    talk: () => serveUntilSpokenTo(talker, open.talkers),
    wait: () => serveUntilSpokenTo(talker, open.waiting),
    kick: () => wakeAll(socket, open),
    name: () => socket.end(`${name}\n`),
  };
  services[kind]();
}

function serve(socket: Socket, name: string, open: Open): void {
  socket.setNoDelay(true);
  // A peer that resets is its own affair; the probe at the other end reports it.
  socket.on("error", () => socket.destroy());
  let head = Buffer.alloc(0);
  const choose = (bytes: Buffer) => {
    head = Buffer.concat([head, bytes]);
    const first = head[0] ?? 0;
    const needed = first === MLLP_START || first === KINDS.name || first === KINDS.kick ? 1 : 2;
    if (head.length < needed) return;
    socket.off("data", choose);
    socket.off("end", close);
    const kind = kindOf(first);
    if (first === MLLP_START) serveHl7(socket, name, head);
    else if (kind === undefined) socket.destroy();
    else serveKind(kind, socket, head, name, open);
  };
  const close = () => socket.end();
  socket.on("data", choose);
  socket.on("end", close);
}

function serveUdp(port: number, name: string): Promise<UdpSocket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: UDP_BUFFER_BYTES });
  const mark = Buffer.from(name.slice(0, 1));
  socket.on("message", (message, from) => {
    socket.send(Buffer.concat([message, mark]), from.port, from.address);
  });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, () => resolve(socket));
  });
}

function serveTcp(port: number, name: string, open: Open): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(socket, name, open));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "0.0.0.0", backlog: 1024 }, () => resolve(server));
  });
}

export interface ClusterServer {
  /** Takes nothing new; open connections go on until their clients end them. */
  close(): void;
}

/** Listens on every port; resolves once all of them do. */
export async function startClusterServer(options: ClusterServerOptions): Promise<ClusterServer> {
  const open: Open = { talkers: new Set(), waiting: new Set() };
  const { name } = options;
  const tcp = await Promise.all(options.tcpPorts.map((port) => serveTcp(port, name, open)));
  const udp = await Promise.all(options.udpPorts.map((port) => serveUdp(port, name)));
  const ticker = startTicker(TALK_MS, (due) => {
    for (const talker of open.talkers) sendPattern(talker, due);
  });
  return {
    close() {
      ticker.stop();
      for (const server of [...tcp, ...udp]) server.close();
    },
  };
}

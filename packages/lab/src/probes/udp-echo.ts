// udp-echo.ts — one small datagram per millisecond to an echo service: the finest measure of an outage.
import { createSocket } from "node:dgram";
import { UDP_BUFFER_BYTES } from "../servers/cluster-server.js";
import { monotonicMs, startTicker } from "../ticker.js";
import { createGapRecorder, type Gap } from "./gaps.js";
import type { ProbeLife } from "./probe-life.js";

export interface UdpEchoOptions {
  readonly address: string;
  readonly port: number;
  /** Milliseconds between datagrams. */
  readonly intervalMs: number;
  /** Silences at least this long are listed; 25 ms unless told otherwise. */
  readonly listFromMs?: number;
}

export interface UdpEchoResult {
  readonly sent: number;
  readonly answered: number;
  /** Answers to what had been answered already. */
  readonly duplicates: number;
  /** Never answered. */
  readonly lost: number;
  /** Longest time in which no answer came, in milliseconds. */
  readonly outageMs: number;
  /** Longest time from the sending of a lost datagram to the sending of the next answered one. */
  readonly lossSpanMs: number;
  readonly gaps: readonly Gap[];
  /** Answers by the first letter of the server's name. */
  readonly servers: Readonly<Record<string, number>>;
  /** How late this probe itself was at most. */
  readonly latenessMaxMs: number;
}

const GAP_LISTED_MS = 25;
/** After the last datagram, how long answers are waited for. */
const LINGER_MS = 100;
const ERRORS_TOLERATED = ["ENETUNREACH", "EHOSTUNREACH", "ECONNREFUSED", "ENOBUFS"];

interface Loss {
  spanMs: number;
  count: number;
}

function countLoss(sentAt: readonly number[], answered: ReadonlySet<number>): Loss {
  const loss: Loss = { spanMs: 0, count: 0 };
  let from: number | undefined;
  for (const [seq, at] of sentAt.entries()) {
    if (!answered.has(seq)) {
      loss.count += 1;
      from ??= at;
    } else if (from !== undefined) {
      loss.spanMs = Math.max(loss.spanMs, at - from);
      from = undefined;
    }
  }
  if (from !== undefined) loss.spanMs = Math.max(loss.spanMs, (sentAt.at(-1) ?? from) - from);
  return loss;
}

/** Runs until `stop` resolves. */
export async function probeUdpEcho(
  options: UdpEchoOptions,
  life: ProbeLife,
): Promise<UdpEchoResult> {
  const socket = createSocket({ type: "udp4", recvBufferSize: UDP_BUFFER_BYTES });
  let sentAt: number[] = [];
  let base = 0;
  const listFromMs = options.listFromMs ?? GAP_LISTED_MS;
  const answered = new Set<number>();
  let duplicates = 0;
  let servers: Record<string, number> = {};
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (!ERRORS_TOLERATED.includes(error.code ?? "")) throw error;
  });
  await new Promise<void>((resolve) => socket.connect(options.port, options.address, resolve));
  let gaps = createGapRecorder(monotonicMs(), listFromMs);
  let first = true;
  socket.on("message", (message) => {
    const now = monotonicMs();
    // The silence before the first answer is the start of the probe, not an outage.
    if (first) gaps = createGapRecorder(now, listFromMs);
    first = false;
    gaps.answered(now);
    const seq = message.readUInt32BE(0) - base;
    if (seq < 0) return;
    if (answered.has(seq)) duplicates += 1;
    answered.add(seq);
    const server = message.toString("latin1", 4);
    servers[server] = (servers[server] ?? 0) + 1;
  });
  const ticker = startTicker(options.intervalMs, (due) => {
    for (let i = 0; i < due; i += 1) {
      const datagram = Buffer.alloc(4);
      datagram.writeUInt32BE(base + sentAt.length);
      sentAt.push(monotonicMs());
      socket.send(datagram);
    }
  });
  life.onMark(() => {
    base += sentAt.length;
    sentAt = [];
    answered.clear();
    duplicates = 0;
    servers = {};
    gaps = createGapRecorder(monotonicMs(), listFromMs);
  });
  life.ready();
  await life.stop;
  ticker.stop();
  const { longestMs, gaps: listed } = gaps.finish(sentAt.at(-1) ?? monotonicMs());
  await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
  const loss = countLoss(sentAt, answered);
  socket.close();
  return {
    sent: sentAt.length,
    answered: answered.size,
    duplicates,
    lost: loss.count,
    outageMs: longestMs,
    lossSpanMs: loss.spanMs,
    gaps: listed,
    servers,
    latenessMaxMs: ticker.latenessMaxMs,
  };
}

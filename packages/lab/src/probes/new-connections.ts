// new-connections.ts — a new TCP connection every few milliseconds: what somebody who arrives now sees.
import { connect } from "node:net";
import { KINDS } from "../servers/protocol.js";
import { monotonicMs, startTicker } from "../ticker.js";
import { type Attempt, gapMs, type Span, spansWithoutSuccess } from "./gaps.js";
import type { ProbeLife } from "./probe-life.js";

export interface NewConnectionsOptions {
  readonly address: string;
  readonly port: number;
  readonly intervalMs: number;
  /** An attempt that takes longer is slow: its SYN was lost and repeated. */
  readonly slowMs: number;
  /** An attempt that takes longer has failed. */
  readonly timeoutMs: number;
  /** Attempts that took at least so long, or failed, are listed; none where absent. */
  readonly listFromMs?: number;
}

export interface NewConnectionsResult {
  readonly attempts: number;
  readonly succeeded: number;
  readonly slow: number;
  readonly failed: number;
  /** Longest span of attempts without a prompt success, in milliseconds. */
  readonly outageMs: number;
  readonly spans: readonly Span[];
  /** Why attempts failed, by error code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Answers by server name. */
  readonly servers: Readonly<Record<string, number>>;
  readonly medianMs: number;
  readonly slowestMs: number;
  readonly listed: readonly Attempt[];
}

const LISTED_MAX = 20_000;

interface Outcome extends Attempt {
  readonly server: string | undefined;
  readonly error: string | undefined;
}

/** Connects, asks for the server's name, and waits for it: only a server's word is a success. */
function attempt(options: NewConnectionsOptions): Promise<Outcome> {
  const startedMs = monotonicMs();
  return new Promise((resolve) => {
    const socket = connect({ host: options.address, port: options.port, noDelay: true });
    let said = "";
    let settled = false;
    const settle = (error: string | undefined) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      socket.destroy();
      const server = error === undefined ? said.trim() : undefined;
      const tookMs = error === undefined ? monotonicMs() - startedMs : undefined;
      resolve({ startedMs, tookMs, server, error });
    };
    const timer = setTimeout(() => settle("timeout"), options.timeoutMs);
    socket.on("connect", () => socket.write(Buffer.from([KINDS.name])));
    socket.on("data", (bytes: Buffer) => {
      said += bytes.toString("latin1");
    });
    socket.on("end", () => settle(said.endsWith("\n") ? undefined : "closed without an answer"));
    socket.on("error", (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    socket.on("close", () => settle("closed without an answer"));
  });
}

const tally = (words: readonly (string | undefined)[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const word of words) if (word !== undefined) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
};

function summarise(
  outcomes: readonly Outcome[],
  options: NewConnectionsOptions,
  endMs: number,
): NewConnectionsResult {
  const times = outcomes.map((o) => o.tookMs).filter((took) => took !== undefined);
  times.sort((a, b) => a - b);
  const { listFromMs = Number.POSITIVE_INFINITY } = options;
  const spans = spansWithoutSuccess(outcomes, options.slowMs, endMs);
  return {
    attempts: outcomes.length,
    succeeded: times.length,
    slow: times.filter((took) => took > options.slowMs).length,
    failed: outcomes.length - times.length,
    outageMs: Math.max(0, ...spans.map(gapMs)),
    spans,
    errors: tally(outcomes.map((o) => o.error)),
    servers: tally(outcomes.map((o) => o.server)),
    medianMs: times[Math.floor(times.length / 2)] ?? 0,
    slowestMs: times.at(-1) ?? 0,
    listed: outcomes
      .filter(({ tookMs = Number.POSITIVE_INFINITY }) => tookMs >= listFromMs)
      .map(({ startedMs, tookMs }) => ({ startedMs, tookMs }))
      .slice(0, LISTED_MAX),
  };
}

/** Runs until `stop` resolves, then waits for the attempts still under way. */
export async function probeNewConnections(
  options: NewConnectionsOptions,
  life: ProbeLife,
): Promise<NewConnectionsResult> {
  let running: Promise<Outcome>[] = [];
  // Missed beats are not made up for: a burst of connections would measure the burst.
  const ticker = startTicker(options.intervalMs, () => running.push(attempt(options)));
  life.onMark(() => {
    running = [];
  });
  life.ready();
  await life.stop;
  ticker.stop();
  const endMs = monotonicMs();
  return summarise(await Promise.all(running), options, endMs);
}

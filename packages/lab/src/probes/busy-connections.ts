// busy-connections.ts — open TCP connections that talk all the time: do they live through a failover?
import { connect, type Socket } from "node:net";
import {
  createTally,
  KINDS,
  patternBytes,
  TALK_MS,
  type Tally,
  TRAILER_BYTES,
} from "../servers/protocol.js";
import { monotonicMs, startTicker } from "../ticker.js";
import type { ProbeLife } from "./probe-life.js";

export interface BusyConnectionsOptions {
  readonly address: string;
  readonly port: number;
  readonly connections: number;
  /** How many of them talk at most; all that may (nine of ten) where absent. */
  readonly talkers?: number;
  /** How many connections wake the waiting ones: several servers need several. One where absent. */
  readonly kicks?: number;
}

/**
 * client-talks: one byte per 10 ms, echoed. server-talks: the server sends one byte per 10 ms, the
 * client nothing. idle-client, idle-server: silent until the end, then one side speaks first.
 */
export type BusyKind = "client-talks" | "server-talks" | "idle-client" | "idle-server";

export interface ConnectionResult {
  readonly kind: BusyKind;
  readonly localPort: number;
  /** Never reset, every byte there, in order, and both ends' checksums equal. */
  readonly lives: boolean;
  /** Why it does not. */
  readonly reason: string;
  /** Longest time without a byte on a connection that talks, in milliseconds. */
  readonly stallMs: number;
  /** When it was seen to fail, on the shared monotonic clock; null where it did not. */
  readonly failedAtMs: number | null;
  readonly bytes: number;
}

export interface BusyConnectionsResult {
  readonly total: number;
  readonly alive: number;
  readonly longestStallMs: number;
  readonly byKind: Readonly<Partial<Record<BusyKind, { total: number; alive: number }>>>;
  readonly reasons: Readonly<Record<string, number>>;
  readonly connections: readonly ConnectionResult[];
}

const OPEN_MS_MAX = 5000;
/** After the stop: how long the last bytes, the trailer and the end may take. */
const FINISH_MS_MAX = 8000;
const WAKE_BYTES = 16;

/** Of every twenty: nine talk, nine listen, one of each idle kind. */
export function kindOfConnection(index: number): BusyKind {
  const place = index % 20;
  if (place === 18) return "idle-client";
  if (place === 19) return "idle-server";
  return place % 2 === 0 ? "client-talks" : "server-talks";
}

const isIdle = (kind: BusyKind): boolean => kind === "idle-client" || kind === "idle-server";

const OPENING: Readonly<Record<BusyKind, number>> = {
  "client-talks": KINDS.echo,
  "idle-client": KINDS.echo,
  "server-talks": KINDS.talk,
  "idle-server": KINDS.wait,
};

/** One open connection and what has been seen on it. */
class BusyConnection {
  readonly kind: BusyKind;
  readonly localPort: number;
  readonly #socket: Socket;
  readonly #seed: number;
  readonly #received: Tally = createTally();
  #sent = 0;
  #lastMs = monotonicMs();
  #stallMs = 0;
  #trailer = Buffer.alloc(0);
  /** Bytes of the pattern that are to come before the trailer; unknown until the server says. */
  #expected: number | undefined;
  #stopping = false;
  #measured = false;
  #failure: string | undefined;
  #failedAtMs: number | null = null;
  readonly #closed: Promise<void>;

  constructor(socket: Socket, kind: BusyKind, seed: number) {
    this.#socket = socket;
    this.kind = kind;
    this.#seed = seed;
    this.localPort = socket.localPort ?? 0;
    socket.write(Buffer.from([OPENING[kind], seed]));
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("error", (error: NodeJS.ErrnoException) => this.#fail(error.code ?? error.message));
    this.#closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("close", () => {
      if (!this.#stopping) this.#fail("closed early");
    });
  }

  get #talks(): boolean {
    return !isIdle(this.kind);
  }

  #fail(reason: string): void {
    this.#failedAtMs ??= monotonicMs();
    this.#failure ??= reason;
  }

  #noteTime(): void {
    const now = monotonicMs();
    if (this.#talks && !this.#measured) this.#stallMs = Math.max(this.#stallMs, now - this.#lastMs);
    this.#lastMs = now;
  }

  #take(bytes: Buffer): void {
    this.#noteTime();
    let pattern = bytes;
    if (this.#stopping) {
      // Echo: the pattern's length is what was sent. Else the last bytes before the end are the trailer.
      const all = Buffer.concat([this.#trailer, bytes]);
      const room =
        this.#expected === undefined
          ? Math.max(0, all.length - TRAILER_BYTES)
          : Math.min(all.length, this.#expected - this.#received.count);
      pattern = all.subarray(0, room);
      this.#trailer = Buffer.from(all.subarray(room));
    }
    const want = patternBytes(this.#seed, this.#received.count, pattern.length);
    if (!want.equals(pattern)) this.#fail("a byte lost, doubled, foreign or out of order");
    this.#received.add(pattern);
  }

  forgetStall(): void {
    this.#stallMs = 0;
  }

  /** From now on silence is the end of the measurement, not of the connection. */
  endStall(): void {
    this.#noteTime();
    this.#measured = true;
  }

  send(count: number): void {
    if (this.#failure !== undefined) return;
    this.#socket.write(patternBytes(this.#seed, this.#sent, count));
    this.#sent += count;
  }

  /** Asks for the trailer and the end; resolves with the verdict. */
  async finish(): Promise<ConnectionResult> {
    if (this.kind === "idle-client") this.send(WAKE_BYTES);
    this.#stopping = true;
    const echoes = OPENING[this.kind] === KINDS.echo;
    if (echoes) {
      this.#expected = this.#sent;
      this.#socket.end();
    } else this.#socket.end(Buffer.from("S"));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#fail("did not end in time");
        this.#socket.destroy();
        resolve();
      }, FINISH_MS_MAX);
    });
    await Promise.race([this.#closed, late]);
    clearTimeout(timer);
    if (echoes && this.#received.count !== this.#sent) this.#fail("bytes missing at the end");
    if (this.kind === "idle-server" && this.#received.count !== 1) this.#fail("was not woken");
    if (!this.#received.trailer().equals(this.#trailer)) this.#fail("checksums differ");
    return {
      kind: this.kind,
      localPort: this.localPort,
      lives: this.#failure === undefined,
      reason: this.#failure ?? "",
      stallMs: this.#stallMs,
      failedAtMs: this.#failedAtMs,
      bytes: this.#received.count,
    };
  }
}

function open(options: BusyConnectionsOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: options.address, port: options.port, noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no connection within ${OPEN_MS_MAX} ms`));
    }, OPEN_MS_MAX);
    socket.once("error", reject);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** Wakes the waiting connections of whichever server answers, over a connection of its own. */
async function kick(options: BusyConnectionsOptions): Promise<void> {
  const socket = await open(options);
  socket.on("error", () => socket.destroy());
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.resume();
  socket.write(Buffer.from([KINDS.kick]));
  const timer = setTimeout(() => socket.destroy(), OPEN_MS_MAX);
  await closed;
  clearTimeout(timer);
}

function summarise(connections: readonly ConnectionResult[]): BusyConnectionsResult {
  const byKind: Partial<Record<BusyKind, { total: number; alive: number }>> = {};
  const reasons: Record<string, number> = {};
  for (const { kind, lives, reason } of connections) {
    const row = byKind[kind] ?? { total: 0, alive: 0 };
    row.total += 1;
    if (lives) row.alive += 1;
    else reasons[`${kind}: ${reason}`] = (reasons[`${kind}: ${reason}`] ?? 0) + 1;
    byKind[kind] = row;
  }
  return {
    total: connections.length,
    alive: connections.filter((c) => c.lives).length,
    longestStallMs: Math.max(0, ...connections.map((c) => c.stallMs)),
    byKind,
    reasons,
    connections,
  };
}

/** Opens everything, reports ready, talks until `stop` resolves, then ends and checks each one. */
export async function probeBusyConnections(
  options: BusyConnectionsOptions,
  life: ProbeLife,
): Promise<BusyConnectionsResult> {
  const all: BusyConnection[] = [];
  let mayTalk = options.talkers ?? options.connections;
  for (let i = 0; i < options.connections; i += 1) {
    const wish = kindOfConnection(i);
    const kind =
      isIdle(wish) || mayTalk > 0 ? wish : (["idle-client", "idle-server"][i % 2] as BusyKind);
    if (!isIdle(kind)) mayTalk -= 1;
    all.push(new BusyConnection(await open(options), kind, i & 0xff));
  }
  const talkers = all.filter((connection) => connection.kind === "client-talks");
  const ticker = startTicker(TALK_MS, (due) => {
    for (const talker of talkers) talker.send(due);
  });
  life.onMark(() => {
    for (const connection of all) connection.forgetStall();
  });
  life.ready();
  await life.stop;
  ticker.stop();
  for (const connection of all) connection.endStall();
  for (let i = 0; i < (options.kicks ?? 1); i += 1) {
    await kick(options).catch(() => {
      // Then the waiting connections say that they were not woken.
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 5 * TALK_MS));
  return summarise(await Promise.all(all.map((connection) => connection.finish())));
}

// forwarder-talk.ts — a server and a client that hold many connections and notice how each one fares.
//
// node forwarder-talk.js server NAME PORT…     one JSON line per connection that ends
// node forwarder-talk.js client                orders as JSON lines on standard input
//
// The first byte of a connection says what it does: t = the client sends a byte every 10 ms and the
// server echoes it, r = the server sends a byte every 10 ms and the client nothing, i = silence.
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

export type Kind = "t" | "r" | "i";
export const TALK_MS = 10;

/** What a server says first, in one line. */
export interface Greeting {
  readonly server: string;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly port: number;
}

export type Order =
  | {
      readonly do: "open";
      readonly id: string;
      readonly kind: Kind;
      readonly to: string;
      readonly port: number;
      /** The client's own port; any where absent. */
      readonly from?: number;
      /** The client's own address; any where absent. */
      readonly as?: string;
    }
  | { readonly do: "end" | "reset"; readonly ids: readonly string[] }
  | { readonly do: "write"; readonly ids: readonly string[] }
  | { readonly do: "report" };

export interface ConnectionReport {
  readonly id: string;
  readonly kind: Kind;
  readonly greeting: Greeting | null;
  /** `open`, `ended` by the other side in order, or the error's code. */
  readonly state: string;
  /** When the state was reached, in milliseconds of the machine's monotonic clock. */
  readonly at: number;
  readonly received: number;
  /** Longest wait between two bytes, for the kinds that talk. */
  readonly gapMs: number;
}

/** The machine's monotonic clock: the same in every process. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;

const say = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

function serveOne(name: string, socket: Socket): void {
  const { remoteAddress = "", remotePort = 0, localPort = 0 } = socket;
  const greeting: Greeting = {
    server: name,
    clientAddress: remoteAddress.replace("::ffff:", ""),
    clientPort: remotePort,
    port: localPort,
  };
  socket.setNoDelay(true);
  let kind: Kind | undefined;
  let timer: NodeJS.Timeout | undefined;
  let how = "ended";
  socket.on("data", (chunk) => {
    if (kind !== undefined) {
      if (kind !== "r") socket.write(chunk);
      return;
    }
    kind = String.fromCharCode(chunk[0] ?? 0) as Kind;
    socket.write(`${JSON.stringify(greeting)}\n`);
    if (kind === "r") timer = setInterval(() => socket.write("x"), TALK_MS);
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    how = error.code ?? "error";
  });
  socket.on("close", () => {
    clearInterval(timer);
    say({ closed: greeting, how, at: monotonic() });
  });
}

function runServer(name: string, ports: readonly number[]): void {
  for (const port of ports) {
    createServer({ allowHalfOpen: false }, (socket) => serveOne(name, socket)).listen(port);
  }
  say({ listening: ports });
}

interface Connection {
  report: ConnectionReport;
  readonly socket: Socket;
}

function open(order: Extract<Order, { do: "open" }>): Connection {
  const from = {
    ...(order.from === undefined ? {} : { localPort: order.from }),
    ...(order.as === undefined ? {} : { localAddress: order.as }),
  };
  const socket = connect({ host: order.to, port: order.port, ...from });
  socket.setNoDelay(true);
  const { id, kind } = order;
  const connection: Connection = {
    socket,
    report: {
      id,
      kind,
      greeting: null,
      state: "connecting",
      at: monotonic(),
      received: 0,
      gapMs: 0,
    },
  };
  const note = (change: Partial<ConnectionReport>) => {
    connection.report = { ...connection.report, ...change };
  };
  let head = "";
  let heard = 0;
  let timer: NodeJS.Timeout | undefined;
  socket.on("connect", () => socket.write(kind));
  socket.on("data", (chunk) => {
    const now = monotonic();
    if (connection.report.greeting === null) {
      head += chunk.toString();
      const end = head.indexOf("\n");
      if (end === -1) return;
      note({ greeting: JSON.parse(head.slice(0, end)) as Greeting, state: "open", at: now });
      heard = now;
      if (kind === "t") timer = setInterval(() => socket.write("x"), TALK_MS);
      return;
    }
    const { received, gapMs } = connection.report;
    note({ received: received + chunk.length, gapMs: Math.max(gapMs, now - heard) });
    heard = now;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    note({ state: error.code ?? "error", at: monotonic() });
  });
  socket.on("close", () => {
    clearInterval(timer);
    const { state } = connection.report;
    if (state === "open" || state === "connecting") note({ state: "ended", at: monotonic() });
  });
  return connection;
}

function runClient(): void {
  const connections = new Map<string, Connection>();
  createInterface({ input: process.stdin }).on("line", (line) => {
    const order = JSON.parse(line) as Order;
    if (order.do === "open") connections.set(order.id, open(order));
    else if (order.do === "report") say([...connections.values()].map((each) => each.report));
    else {
      for (const id of order.ids) {
        const socket = connections.get(id)?.socket;
        if (order.do === "end") socket?.end();
        else if (order.do === "reset") socket?.resetAndDestroy();
        else socket?.write("x");
      }
    }
  });
}

const [role, name = "", ...ports] = process.argv.slice(2);
if (role === "server") runServer(name, ports.map(Number));
else if (role === "client") runClient();

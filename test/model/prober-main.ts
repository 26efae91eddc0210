// prober-main.ts — the clients of the model test: one process, real sockets from chosen addresses and ports.
//
// One order per line on standard input, one list of answers per line on standard output, in order:
//   {"ask": [{flow, waitMs}]}   a new TCP connection each, or a datagram of a UDP flow: who answers
//   {"hold": [flow]}            TCP connections that stay open: who answers
//   {"echo": [flow]}            a byte on each of them: who answers, "cut" where it was reset
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { type Flow, flowKey } from "./model.js";

export interface Ask {
  readonly flow: Flow;
  readonly waitMs: number;
}

export type Order =
  | { readonly ask: readonly Ask[] }
  | { readonly hold: readonly Flow[] }
  | { readonly echo: readonly Flow[] };

const ECHO_MS = 1000;
const HOLD_MS = 3000;

/** The server's word, where it saw the client as itself; else what it saw. */
const heard = (line: string, flow: Flow): string => {
  const [place = "", client] = line.trim().split(" ");
  return client === `${flow.client}:${flow.clientPort}` ? place : `${place} for ${client}`;
};

const wordFor = (error: NodeJS.ErrnoException): string =>
  error.code === "ECONNREFUSED" ? "refused" : (error.code ?? error.message);

const dial = ({ client, clientPort, vip, vipPort }: Flow): Socket => {
  const socket = connect({ host: vip, port: vipPort, localAddress: client, localPort: clientPort });
  return socket.setNoDelay(true);
};

/** Closed by a reset, so that the same port can be used again at once. */
function askTcp({ flow, waitMs }: Ask): Promise<string> {
  return new Promise((resolve) => {
    const socket = dial(flow);
    const timer = setTimeout(() => end("silence"), waitMs);
    const end = (answer: string) => {
      clearTimeout(timer);
      // One that still waits would be reset only once it is connected.
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
      resolve(answer);
    };
    socket.on("error", (error) => end(wordFor(error)));
    socket.on("data", (chunk) => end(heard(chunk.toString(), flow)));
    socket.on("end", () => end("ended"));
  });
}

const udpSockets = new Map<string, Promise<UdpSocket>>();
let count = 0;

function udpSocket(flow: Flow): Promise<UdpSocket> {
  const key = flowKey(flow);
  const known = udpSockets.get(key);
  if (known !== undefined) return known;
  const made = new Promise<UdpSocket>((resolve) => {
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    socket.setMaxListeners(0);
    socket.bind(flow.clientPort, flow.client, () =>
      socket.connect(flow.vipPort, flow.vip, () => resolve(socket)),
    );
  });
  udpSockets.set(key, made);
  return made;
}

async function askUdp({ flow, waitMs }: Ask): Promise<string> {
  const socket = await udpSocket(flow);
  count += 1;
  const nonce = `${count}`;
  return new Promise((resolve) => {
    const timer = setTimeout(() => end("silence"), waitMs);
    const onMessage = (data: Buffer) => {
      const [said, ...rest] = data.toString().split(" ");
      if (said === nonce) end(heard(rest.join(" "), flow));
    };
    const onError = (error: Error) => end(wordFor(error));
    const end = (answer: string) => {
      clearTimeout(timer);
      socket.off("message", onMessage).off("error", onError);
      // An answer to nobody's question, such as a late refusal, is nobody's trouble.
      socket.on("error", () => undefined);
      resolve(answer);
    };
    socket.removeAllListeners("error").on("message", onMessage).on("error", onError);
    socket.send(nonce);
  });
}

interface Held {
  readonly socket: Socket;
  cut: boolean;
  onLine: ((line: string) => void) | undefined;
}
const held = new Map<string, Held>();

function waitForLine(one: Held, flow: Flow, waitMs: number, ask: () => void): Promise<string> {
  if (one.cut) return Promise.resolve("cut");
  return new Promise((resolve) => {
    const timer = setTimeout(() => end("silence"), waitMs);
    const end = (answer: string) => {
      clearTimeout(timer);
      one.onLine = undefined;
      resolve(answer);
    };
    one.onLine = (line) => end(line === "cut" ? "cut" : heard(line, flow));
    ask();
  });
}

async function hold(flow: Flow): Promise<string> {
  const one: Held = { socket: dial(flow), cut: false, onLine: undefined };
  const { socket } = one;
  const end = (word: string) => {
    one.cut = true;
    one.onLine?.(word);
  };
  socket.on("error", () => end("cut"));
  socket.on("end", () => end("ended"));
  socket.on("data", (chunk) => one.onLine?.(chunk.toString()));
  held.get(flowKey(flow))?.socket.resetAndDestroy();
  held.set(flowKey(flow), one);
  return waitForLine(one, flow, HOLD_MS, () => undefined);
}

async function echo(flow: Flow): Promise<string> {
  const one = held.get(flowKey(flow));
  if (one === undefined) return "unknown";
  return waitForLine(one, flow, ECHO_MS, () => one.socket.write("x"));
}

function obey(order: Order): Promise<string[]> {
  if ("ask" in order) {
    return Promise.all(
      order.ask.map((each) => (each.flow.protocol === "tcp" ? askTcp(each) : askUdp(each))),
    );
  }
  return Promise.all("hold" in order ? order.hold.map(hold) : order.echo.map(echo));
}

createInterface({ input: process.stdin }).on("line", (line) => {
  void obey(JSON.parse(line) as Order).then((answers) =>
    process.stdout.write(`${JSON.stringify(answers)}\n`),
  );
});

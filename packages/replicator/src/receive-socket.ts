// receive-socket.ts — the socket behind the forced command: one framed request, one framed answer, bounded.
import { chmod, chown, mkdir, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import { ProblemsError, type Refusal, RefusalError } from "@lbpair/common";
import { createFrameReader, encodeFrame, type Frame } from "./core/frame.js";
import { isVerb, type Verb } from "./core/verbs.js";

/** Requests at the same time; the peer makes one, a second may be a retry of it. */
export const RECEIVE_CONNECTIONS_MAX = 16;
/** A request has to be whole within this. */
export const RECEIVE_MS_MAX = 20_000;
const VERB_LINE_BYTES_MAX = 40;
const NEW_LINE = 0x0a;

export type ReceiveHandler = (verb: Verb, argument: unknown, body: Uint8Array) => Promise<unknown>;

export interface ReceiveSocketOptions {
  readonly path: string;
  /** Group that may connect: the account of the peer's key. Undefined = nobody but us. */
  readonly group: number | undefined;
  readonly handle: ReceiveHandler;
  /** A request that broke off or was refused unread, one sentence. */
  readonly onRefused: (why: string) => void;
}

export interface ReceiveSocket {
  close(): Promise<void>;
}

const refusalFrame = (refusal: Refusal): Uint8Array =>
  encodeFrame("answer", { ok: false }, Buffer.from(JSON.stringify(refusal)));

function refusalOf(error: unknown): Refusal {
  if (error instanceof RefusalError) return { error: error.message, problems: error.problems };
  if (error instanceof ProblemsError) {
    return { error: "the files cannot be in force on that node", problems: error.problems };
  }
  return { error: error instanceof Error ? error.message : String(error) };
}

/** The verb of the line must be that of the frame: SSH's word and the content cannot disagree. */
function judgeFrame(word: string, frame: Frame): { verb: Verb; argument: unknown } | Refusal {
  const header = frame.header;
  if (!isVerb(word))
    return { error: `verb: want a word of replication, got ${JSON.stringify(word)}` };
  if (typeof header !== "object" || header === null || !("verb" in header)) {
    return { error: "header: want a verb and its argument" };
  }
  if (header.verb !== word) return { error: `header.verb: want ${word}, got another word` };
  return { verb: word, argument: "argument" in header ? header.argument : undefined };
}

function serve(socket: Socket, options: ReceiveSocketOptions): void {
  const reader = createFrameReader("request");
  let line: Buffer | undefined = Buffer.alloc(0);
  let word = "";
  let answered = false;
  const timer = setTimeout(() => refuse("the request did not end in time"), RECEIVE_MS_MAX);
  const finish = (bytes: Uint8Array) => {
    answered = true;
    clearTimeout(timer);
    socket.end(bytes);
  };
  const refuse = (why: string) => {
    if (answered) return;
    options.onRefused(why);
    finish(refusalFrame({ error: why }));
  };
  const take = (frame: Frame) => {
    const judged = judgeFrame(word, frame);
    if ("error" in judged) return refuse(judged.error);
    clearTimeout(timer);
    answered = true;
    options.handle(judged.verb, judged.argument, frame.body).then(
      (result) => {
        finish(encodeFrame("answer", { ok: true }, Buffer.from(JSON.stringify(result ?? null))));
      },
      (error: unknown) => finish(refusalFrame(refusalOf(error))),
    );
  };
  const feed = (chunk: Uint8Array) => {
    const decoded = reader.add(chunk);
    if (decoded.state === "bad") refuse(`request: want ${decoded.want}, got ${decoded.got}`);
    if (decoded.state === "whole") take(decoded.frame);
  };
  socket.on("data", (chunk: Buffer) => {
    if (answered) return;
    if (line === undefined) return feed(chunk);
    line = Buffer.concat([line, chunk]);
    const end = line.indexOf(NEW_LINE);
    if (end > VERB_LINE_BYTES_MAX || (end < 0 && line.length > VERB_LINE_BYTES_MAX)) {
      return refuse("verb: want one short word");
    }
    if (end < 0) return;
    word = line.subarray(0, end).toString("latin1");
    const rest = line.subarray(end + 1);
    line = undefined;
    if (rest.length > 0) feed(rest);
  });
  socket.on("end", () => refuse("the request broke off before it was whole; nothing was changed"));
  socket.on("error", () => clearTimeout(timer));
}

/** Opens the socket for the given group; a file left behind by a dead daemon is replaced. */
export async function openReceiveSocket(options: ReceiveSocketOptions): Promise<ReceiveSocket> {
  const { path, group } = options;
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(socket, options));
  server.maxConnections = RECEIVE_CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  if (group !== undefined) await chown(path, process.getuid?.() ?? 0, group);
  await chmod(path, group === undefined ? 0o600 : 0o660);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

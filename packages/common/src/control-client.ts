// control-client.ts — asking a daemon over its control socket.
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { RefusalError } from "./control-server.js";
import type { Refusal } from "./status.js";

export const CONTROL_TIMEOUT_MS = 5000;
/** Room for the status of the largest configuration; a longer answer is an error. */
export const CONTROL_ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** Nobody answers on the socket. */
export class ControlUnreachableError extends Error {
  readonly socketPath: string;
  constructor(socketPath: string, why: string) {
    super(`${socketPath}: ${why}`);
    this.name = "ControlUnreachableError";
    this.socketPath = socketPath;
  }
}

const split = (route: string): { readonly method: string; readonly path: string } => {
  const space = route.indexOf(" ");
  return { method: route.slice(0, space), path: route.slice(space + 1) };
};

/** The whole answer as text; throws where it breaks off or is too long. */
function readAnswer(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > CONTROL_ANSWER_BYTES_MAX) response.destroy(new Error("the answer was too long"));
      else chunks.push(chunk);
    });
    response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    response.on("error", reject);
    response.on("close", () => reject(new Error("the answer broke off")));
  });
}

/** The parsed answer; throws RefusalError where it is a refusal. */
function parseAnswer(status: number, text: string): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error("the answer was not JSON");
  }
  if (status < 400) return answer;
  const { error, problems } = answer as Partial<Refusal>;
  throw new RefusalError(status, error ?? `refused with status ${status}`, problems);
}

const describe = (error: NodeJS.ErrnoException): string =>
  error.code === "ENOENT" || error.code === "ECONNREFUSED" ? "nobody answers" : error.message;

/** Connections of those who ask each second; a connection each time costs as much as the asking. */
const kept = new Agent({ keepAlive: true, maxFreeSockets: 1 });

/** The daemon ended a kept connection in the moment it was used again: it has not seen the request. */
const wasStale = (sent: ClientRequest, error: NodeJS.ErrnoException): boolean =>
  sent.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");

/** Opens a request and resolves with the answer's beginning. */
function open(
  socketPath: string,
  route: string,
  body: unknown,
  signal: AbortSignal,
  agent: Agent | false = false,
  onLost?: () => void,
): Promise<IncomingMessage> {
  const { method, path } = split(route);
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent, signal }, resolve);
    sent.once("socket", (socket) => {
      // A kept one is used again.
      const told = onLost === undefined || socket.listeners("close").includes(onLost);
      if (!told) socket.on("close", onLost);
    });
    sent.on("error", (error) => {
      if (agent !== false && wasStale(sent, error)) {
        open(socketPath, route, body, signal).then(resolve, reject);
      } else reject(error);
    });
    if (body === undefined) sent.end();
    else {
      sent.setHeader("content-type", "application/json");
      sent.end(JSON.stringify(body));
    }
  });
}

/**
 * Sends one request, "METHOD /path", and resolves with the parsed answer. Throws RefusalError where
 * the daemon refuses and ControlUnreachableError where none answers in time.
 */
export async function controlRequest(
  socketPath: string,
  route: string,
  body?: unknown,
  options: {
    readonly timeoutMs?: number;
    /** Keeps the connection for the next request; for what is asked again and again, and may be asked twice. */
    readonly keepAlive?: boolean;
    /** The connection is closed, e.g. because the daemon has ended; with `keepAlive` some time after the answer. */
    readonly onLost?: () => void;
  } = {},
): Promise<unknown> {
  const timeoutMs = options.timeoutMs ?? CONTROL_TIMEOUT_MS;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  try {
    const agent = options.keepAlive === true ? kept : false;
    const response = await open(socketPath, route, body, timeout.signal, agent, options.onLost);
    return parseAnswer(response.statusCode ?? 500, await readAnswer(response));
  } catch (error) {
    if (error instanceof RefusalError) throw error;
    const why = timeout.signal.aborted
      ? `no answer within ${timeoutMs} ms`
      : describe(error as NodeJS.ErrnoException);
    throw new ControlUnreachableError(socketPath, why);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Follows endless JSON lines until `signal` aborts or the daemon goes away; then resolves. Throws like
 * controlRequest where the following never begins.
 */
export async function controlFollow(
  socketPath: string,
  route: string,
  onLine: (line: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), CONTROL_TIMEOUT_MS);
  const either = AbortSignal.any([signal, timeout.signal]);
  let response: IncomingMessage;
  try {
    response = await open(socketPath, route, undefined, either);
    clearTimeout(timer);
    const status = response.statusCode ?? 500;
    if (status >= 400) parseAnswer(status, await readAnswer(response));
  } catch (error) {
    if (error instanceof RefusalError) throw error;
    if (signal.aborted) return;
    const why = timeout.signal.aborted
      ? `no answer within ${CONTROL_TIMEOUT_MS} ms`
      : describe(error as NodeJS.ErrnoException);
    throw new ControlUnreachableError(socketPath, why);
  } finally {
    clearTimeout(timer);
  }
  for await (const line of linesOf(response)) {
    const record = parseLine(line);
    if (record !== undefined) onLine(record);
  }
}

/** The lines of an answer until it ends, however it ends. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of response) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch {
    // Broken off by the daemon's end or by the asker: either way there are no more lines.
  }
}

/** undefined for a line that was cut when the daemon died. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

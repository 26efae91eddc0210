// control-server.ts — a daemon's control socket: HTTP with JSON bodies over a unix socket.
import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import type { EventLog } from "./event-log.js";
import { jsonParts } from "./json-parts.js";
import { type Problem, showValue } from "./problems.js";
import type { Refusal } from "./status.js";

export const CONTROL_BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Lines kept for a follower that does not read; then it is cut off. */
export const CONTROL_FOLLOW_BYTES_MAX = 1024 * 1024;

/** A kept connection over which nothing is asked lasts this long: longer than from one reassurance to the next. */
const KEPT_MS = 60_000;

/** A request that cannot be done, with the reason that the asker is shown. */
export class RefusalError extends Error {
  readonly status: number;
  readonly problems: readonly Problem[];
  constructor(status: number, error: string, problems: readonly Problem[] = []) {
    super(error);
    this.name = "RefusalError";
    this.status = status;
    this.problems = problems;
  }
}

export interface ControlRequest {
  readonly query: URLSearchParams;
  /** The parsed JSON body; undefined where there was none. */
  readonly body: unknown;
  /** Aborts when the asker hangs up. */
  readonly signal: AbortSignal;
  /** Turns the answer into endless JSON lines; the handler's return value is then ignored. */
  stream(): (line: unknown) => void;
}

export type ControlHandler = (request: ControlRequest) => unknown;
/** Keys are "METHOD /path". */
export type ControlRoutes = Readonly<Record<string, ControlHandler>>;

export interface ControlServer {
  close(): Promise<void>;
}

/** The parsed body. One that is too long is read to its end and thrown away, so that the answer is still read. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  await new Promise<void>((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= CONTROL_BODY_BYTES_MAX) chunks.push(chunk);
      else if (size > CONTROL_BODY_BYTES_MAX * 4) request.destroy();
    });
    request.on("end", resolve);
    request.on("error", reject);
  });
  if (size > CONTROL_BODY_BYTES_MAX) {
    throw new RefusalError(413, `body: want at most ${CONTROL_BODY_BYTES_MAX} bytes, got ${size}`);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new RefusalError(400, `body: want JSON, got ${showValue(text)}`);
  }
}

/** Resolves too where the other side has gone. */
const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });

async function answer(response: ServerResponse, status: number, body: unknown): Promise<void> {
  // A stream that has begun can only be broken off.
  if (response.headersSent) response.destroy();
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" });
  for (const part of jsonParts(body ?? null)) {
    if (response.destroyed) return;
    if (response.write(part)) continue;
    // Other requests and timers have their turn before the next part is made.
    await drained(response);
  }
  response.end();
}

async function serve(
  routes: ControlRoutes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [pathname = "", search = ""] = (request.url ?? "/").split("?", 2);
  const handler = routes[`${request.method} ${pathname}`];
  if (handler === undefined) {
    const known = Object.keys(routes).join(", ");
    const got = showValue(`${request.method} ${pathname}`);
    throw new RefusalError(404, `request: want one of ${known}, got ${got}`);
  }
  const abort = new AbortController();
  response.on("close", () => abort.abort());
  const body = await readBody(request);
  let streaming = false;
  const result = await handler({
    query: new URLSearchParams(search),
    body,
    signal: abort.signal,
    stream() {
      streaming = true;
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      response.flushHeaders();
      return (line) => {
        if (response.destroyed) return;
        response.write(`${JSON.stringify(line)}\n`);
        // A follower that does not read is let go rather than remembered for.
        if (response.writableLength > CONTROL_FOLLOW_BYTES_MAX) response.destroy();
      };
    },
  });
  if (!streaming) await answer(response, 200, result);
}

const isAlive = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // Anything but these (a full queue, no permission) means that somebody may be there.
    socket.on("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code !== "ENOENT" && error.code !== "ECONNREFUSED"),
    );
  });

/**
 * Opens the socket; one left behind by a dead daemon is replaced, a living daemon's is an error.
 * `mode` is the socket's permissions, 0600 unless told.
 */
export async function createControlServer(options: {
  readonly path: string;
  readonly mode?: number;
  readonly routes: ControlRoutes;
}): Promise<ControlServer> {
  const { path, routes } = options;
  await mkdir(dirname(path), { recursive: true });
  if (await isAlive(path)) throw new Error(`${path}: another daemon answers on this socket`);
  await rm(path, { force: true });
  const server = createServer((request, response) => {
    serve(routes, request, response).catch((error: unknown) => {
      const status = error instanceof RefusalError ? error.status : 500;
      const refusal: Refusal = {
        error: error instanceof Error ? error.message : String(error),
        ...(error instanceof RefusalError && error.problems.length > 0
          ? { problems: error.problems }
          : {}),
      };
      void answer(response, status, refusal);
    });
  });
  server.keepAliveTimeout = KEPT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // The socket is made within listen(): closed to others from its first moment.
    const before = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(before);
  });
  await chmod(path, options.mode ?? 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The requests that every daemon answers. */
export function standardRoutes(daemon: {
  readonly status: () => unknown;
  readonly reload: () => Promise<{ readonly changed: number }>;
  readonly restart: () => Promise<void>;
  readonly events: EventLog;
}): ControlRoutes {
  const after = (query: URLSearchParams): number => Number(query.get("after") ?? 0) || 0;
  return {
    "GET /status": () => daemon.status(),
    "GET /events": ({ query }) => daemon.events.after(after(query)),
    "GET /events/follow": ({ query, signal, stream }) => {
      const send = stream();
      for (const record of daemon.events.after(after(query))) send(record);
      const stop = daemon.events.follow(send);
      signal.addEventListener("abort", stop);
      if (signal.aborted) stop();
    },
    "POST /reload": () => daemon.reload(),
    "POST /restart": async () => {
      setTimeout(() => {
        daemon.restart().then(
          () => process.exit(0),
          () => process.exit(1),
        );
      }, 10);
      return { restarting: true };
    },
  };
}

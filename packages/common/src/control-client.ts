// control-client.ts — asking a daemon over its control socket.
import { request } from "node:http";
import { createInterface } from "node:readline";
import { RefusalError } from "./control-server.js";
import type { Refusal } from "./status.js";

export const CONTROL_TIMEOUT_MS = 5000;

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

/**
 * Sends one request, "METHOD /path", and resolves with the parsed answer. Throws RefusalError where
 * the daemon refuses and ControlUnreachableError where none answers in time.
 */
export function controlRequest(
  socketPath: string,
  route: string,
  body?: unknown,
  options: { readonly timeoutMs?: number } = {},
): Promise<unknown> {
  const { method, path } = split(route);
  const timeoutMs = options.timeoutMs ?? CONTROL_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", (error) =>
        reject(new ControlUnreachableError(socketPath, error.message)),
      );
      response.on("end", () => {
        clearTimeout(timer);
        const text = Buffer.concat(chunks).toString("utf8");
        try {
          const answer = JSON.parse(text) as unknown;
          const status = response.statusCode ?? 500;
          if (status < 400) return resolve(answer);
          const refusal = answer as Refusal;
          reject(new RefusalError(status, refusal.error, refusal.problems));
        } catch {
          reject(new ControlUnreachableError(socketPath, "the answer was not JSON"));
        }
      });
    });
    const timer = setTimeout(() => {
      sent.destroy();
      reject(new ControlUnreachableError(socketPath, `no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    sent.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const nobody = error.code === "ENOENT" || error.code === "ECONNREFUSED";
      reject(new ControlUnreachableError(socketPath, nobody ? "nobody answers" : error.message));
    });
    if (body === undefined) sent.end();
    else {
      sent.setHeader("content-type", "application/json");
      sent.end(JSON.stringify(body));
    }
  });
}

/** Follows endless JSON lines until `signal` aborts or the daemon goes away; then resolves. */
export function controlFollow(
  socketPath: string,
  route: string,
  onLine: (line: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const { method, path } = split(route);
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false, signal }, (response) => {
      const lines = createInterface({ input: response });
      lines.on("line", (line) => onLine(JSON.parse(line) as unknown));
      lines.on("close", () => resolve());
      response.on("error", () => resolve());
    });
    sent.on("error", (error) => {
      if (signal.aborted) resolve();
      else reject(new ControlUnreachableError(socketPath, error.message));
    });
    sent.end();
  });
}

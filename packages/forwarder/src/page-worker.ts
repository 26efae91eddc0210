// page-worker.ts — the thread that answers with the fallback page: a flood of requests is not the daemon's business.
import { createServer } from "node:http";
import { parentPort } from "node:worker_threads";

export interface PageContent {
  readonly html: string;
  readonly status: number;
  readonly retryAfterSeconds: number;
}

/** Told by the thread: it listens, or why it does not. */
export type PageNews = { readonly listening: true } | { readonly failed: string };

export interface PageStart {
  readonly port: number;
}

/** Open connections; a client that keeps one open without asking is cut off. */
export const PAGE_CONNECTIONS_MAX = 2048;
const REQUEST_MS = 5000;

let content: PageContent = { html: "", status: 503, retryAfterSeconds: 30 };
let body = Buffer.alloc(0);

const server = createServer(
  { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 1000 },
  (request, response) => {
    // What a client sends along is neither wanted nor waited for.
    request.resume();
    response.writeHead(content.status, {
      "content-type": "text/html; charset=utf-8",
      "content-length": body.length,
      "cache-control": "no-store",
      "retry-after": `${content.retryAfterSeconds}`,
      connection: "close",
    });
    response.end(request.method === "HEAD" ? undefined : body);
  },
);
server.maxConnections = PAGE_CONNECTIONS_MAX;

const tell = (news: PageNews): void => parentPort?.postMessage(news);
server.on("error", (error) => tell({ failed: error.message }));
server.on("clientError", (_error, socket) => socket.destroy());

parentPort?.on("message", (order: PageContent | PageStart) => {
  if ("port" in order) server.listen(order.port, "0.0.0.0", 1024, () => tell({ listening: true }));
  else {
    content = order;
    body = Buffer.from(order.html);
  }
});

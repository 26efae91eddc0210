// page-server.ts — wiring: the built-in fallback page, served while a service of the configuration asks for it.
import { Worker } from "node:worker_threads";
import { type EventLog, PAGE_PORT, type ServicesConfig } from "@lbpair/common";
import type { PageContent, PageNews } from "./page-worker.js";

export interface PageServer {
  /** Where the configuration asks for it: resolves when the page answers, or it is told why it does not. */
  begin(services: ServicesConfig): Promise<void>;
  /** The configuration is in force: a page that it does not ask for ends. */
  settle(services: ServicesConfig): Promise<void>;
  stop(): Promise<void>;
}

/** Longest wait for the thread; the rules are loaded then all the same. */
const START_MS = 2000;
/** Before a page server that failed, by a port that somebody holds, is tried again. */
const AGAIN_MS = 5000;

const PLAIN = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Not available</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:18vh auto;padding:0 1em;color:#223}</style>
</head>
<body><h1>Not available at the moment</h1>
<p>The service is being looked after. Please try again in a little while.</p></body>
</html>
`;

const isAsked = ({ virtualServices }: ServicesConfig): boolean =>
  virtualServices.some(({ fallbackPage }) => fallbackPage);

const contentOf = ({ fallbackPage }: ServicesConfig): PageContent => ({
  html: fallbackPage.html ?? PLAIN,
  status: fallbackPage.status,
  retryAfterSeconds: Math.ceil(fallbackPage.retryAfter / 1000),
});

export function createPageServer(event: EventLog["record"]): PageServer {
  let worker: Worker | null = null;
  let content: PageContent | null = null;
  let again: NodeJS.Timeout | undefined;
  let told: string | undefined;

  const failed = (why: string): void => {
    worker = null;
    if (told !== why) {
      const text = `the fallback page is not served on TCP port ${PAGE_PORT}: ${why}`;
      event("alarm", "page-not-served", text, { port: PAGE_PORT, why });
    }
    told = why;
    if (content !== null) again = setTimeout(() => void start(), AGAIN_MS);
  };

  const start = (): Promise<void> =>
    new Promise((resolve) => {
      const made = new Worker(new URL("./page-worker.js", import.meta.url), {
        resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
      });
      worker = made;
      const patience = setTimeout(resolve, START_MS);
      const end = (why: string): void => {
        clearTimeout(patience);
        resolve();
        if (worker === made) failed(why);
      };
      made.on("error", (error) => end(error.message));
      made.on("exit", () => end("its thread has ended"));
      made.on("message", (news: PageNews) => {
        if ("failed" in news) {
          end(news.failed);
          void made.terminate();
          return;
        }
        told = undefined;
        clearTimeout(patience);
        resolve();
      });
      // The daemon's end does not wait for it.
      made.unref();
      if (content !== null) made.postMessage(content);
      made.postMessage({ port: PAGE_PORT });
    });

  const end = async (): Promise<void> => {
    clearTimeout(again);
    content = null;
    const ended = worker;
    worker = null;
    await ended?.terminate();
  };

  return {
    async begin(services) {
      if (!isAsked(services)) return;
      content = contentOf(services);
      if (worker !== null) worker.postMessage(content);
      else {
        clearTimeout(again);
        await start();
      }
    },
    async settle(services) {
      if (!isAsked(services)) await end();
    },
    stop: end,
  };
}

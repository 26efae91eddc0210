// pattern-thread.ts — adapter: a thread of its own for regular expressions that take long, started when one does.
import { Worker } from "node:worker_threads";
import type { Found } from "./match.js";
import type { PatternAnswer, PatternQuestion } from "./pattern-worker.js";

export interface PatternThread {
  /** Never rejects. */
  find(pattern: string, text: string): Promise<Found>;
}

/** Questions that wait for the thread; more are answered at once, by giving up. */
export const PATTERNS_WAITING_MAX = 64;

export function createPatternThread(): PatternThread {
  const waiting = new Map<number, (found: Found) => void>();
  let worker: Worker | null = null;
  let number = 0;

  const start = (): Worker => {
    const made = new Worker(new URL("./pattern-worker.js", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 },
    });
    const gone = (): void => {
      if (worker === made) worker = null;
      for (const answer of waiting.values()) answer("too-slow");
      waiting.clear();
    };
    made.on("message", (answer: PatternAnswer) => {
      waiting.get(answer.number)?.(answer.found);
      waiting.delete(answer.number);
      // The daemon's end does not wait for a thread that has nothing to do.
      if (waiting.size === 0) made.unref();
    });
    made.on("error", gone);
    made.on("exit", gone);
    return made;
  };

  return {
    find(pattern, text) {
      if (waiting.size >= PATTERNS_WAITING_MAX) return Promise.resolve("too-slow");
      worker ??= start();
      const mine = number;
      number += 1;
      return new Promise((resolve) => {
        waiting.set(mine, resolve);
        worker?.ref();
        worker?.postMessage({ number: mine, pattern, text } satisfies PatternQuestion);
      });
    },
  };
}

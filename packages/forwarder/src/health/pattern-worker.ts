// pattern-worker.ts — the thread in which slow regular expressions are asked, one after the other.
import { parentPort } from "node:worker_threads";
import { findWithin, PATTERN_MS_MAX } from "./match.js";
import type { PatternAnswer, PatternQuestion } from "./pattern-thread.js";

parentPort?.on("message", ({ number, pattern, text }: PatternQuestion) => {
  const found = findWithin(pattern, text, PATTERN_MS_MAX);
  parentPort?.postMessage({ number, found } satisfies PatternAnswer);
});

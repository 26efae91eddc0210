// pattern-worker.ts — the thread in which slow regular expressions are asked, one after the other.
import { parentPort } from "node:worker_threads";
import { type Found, findWithin, PATTERN_MS_MAX } from "./match.js";

export interface PatternQuestion {
  readonly number: number;
  readonly pattern: string;
  readonly text: string;
}

export interface PatternAnswer {
  readonly number: number;
  readonly found: Found;
}

parentPort?.on("message", ({ number, pattern, text }: PatternQuestion) => {
  const found = findWithin(pattern, text, PATTERN_MS_MAX);
  parentPort?.postMessage({ number, found } satisfies PatternAnswer);
});

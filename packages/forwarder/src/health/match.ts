// match.ts — whether an operator's regular expression matches what a server said, in bounded time.
//
// Most expressions answer within microseconds and are asked on the spot. One that has not answered
// after two milliseconds is given up there and asked in a thread of its own, where it has two hundred: the
// daemon goes on meanwhile, and an expression that backtracks without end costs nobody but its check.
import { createContext, Script } from "node:vm";
import { createPatternThread } from "./pattern-thread.js";

/** How long all else of this process may wait for one expression. */
export const PATTERN_HERE_MS_MAX = 2;
/** An expression that tries for longer is given up. */
export const PATTERN_MS_MAX = 200;
/** Expressions that were given up once and are not tried here again. */
export const SLOW_PATTERNS_MAX = 1000;

/** "too-slow" where the expression backtracks without end, or too many of that kind are waiting. */
export type Found = boolean | "too-slow";

interface Question {
  pattern: RegExp | null;
  text: string;
}

const question = createContext(Object.create(null)) as Question;
const ask = new Script("pattern.test(text)");
const slow = new Set<string>();
const thread = createPatternThread();

/** Within so many milliseconds. Throws nothing. */
export function findWithin(pattern: string, text: string, timeout: number): Found {
  try {
    question.pattern = new RegExp(pattern, "su");
    question.text = text;
    // A context's time limit ends a running match too; nothing else in Node does.
    return ask.runInContext(question, { timeout }) === true;
  } catch {
    return "too-slow";
  } finally {
    question.text = "";
  }
}

/** Answers on the spot where it can; a promise never rejects. */
export function findPattern(pattern: string, text: string): Found | Promise<Found> {
  if (!slow.has(pattern)) {
    const found = findWithin(pattern, text, PATTERN_HERE_MS_MAX);
    if (found !== "too-slow") return found;
  }
  return thread.find(pattern, text).then((found) => {
    if (found === "too-slow" && slow.size < SLOW_PATTERNS_MAX) slow.add(pattern);
    return found;
  });
}

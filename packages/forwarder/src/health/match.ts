// match.ts — whether an operator's regular expression matches what a server said, in bounded time.
import { createContext, Script } from "node:vm";

/** A pattern that tries for longer is given up: everything else of this process waits for it. */
export const PATTERN_MS_MAX = 50;

interface Question {
  pattern: RegExp | null;
  text: string;
}

const question = createContext(Object.create(null)) as Question;
const ask = new Script("pattern.test(text)");

/** "too-slow" where the expression backtracks without end. Throws nothing. */
export function findPattern(pattern: string, text: string): boolean | "too-slow" {
  try {
    question.pattern = new RegExp(pattern, "su");
    question.text = text;
    // A context's time limit ends a running match too; nothing else in Node does.
    return ask.runInContext(question, { timeout: PATTERN_MS_MAX }) === true;
  } catch {
    return "too-slow";
  } finally {
    question.text = "";
  }
}

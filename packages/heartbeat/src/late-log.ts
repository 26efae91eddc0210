// late-log.ts — a log that can be written to before its library is loaded: lines wait, and come in order.
import type { Log } from "@lbpair/common";

type Level = "info" | "warn" | "error";

/** Lines that wait; a start says a handful. */
const WAITING_LINES = 1000;

export class LateLog {
  private log: Log | undefined;
  private waiting: { readonly level: Level; readonly facts: object; readonly text: string }[] = [];

  begin(log: Log): void {
    this.log = log;
    for (const { level, facts, text } of this.waiting) log[level](facts, text);
    this.waiting = [];
  }

  write(level: Level, facts: object, text: string): void {
    if (this.log !== undefined) this.log[level](facts, text);
    else if (this.waiting.length < WAITING_LINES) this.waiting.push({ level, facts, text });
  }

  error(facts: object, text: string): void {
    this.write("error", facts, text);
  }
}

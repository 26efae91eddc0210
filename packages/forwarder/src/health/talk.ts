// talk.ts — a check's conversation on a stream: what is said, what is waited for, what the answers mean; no socket.
import type { CheckResult } from "./types.js";

/** Of an answer, what is kept and looked at; a server that says more has said the wrong thing. */
export const ANSWER_BYTES_MAX = 64 * 1024;
/** Of an answer, what a reason shows. */
const SHOWN_CHARACTERS_MAX = 60;

/** One turn of the conversation: something is said, and an answer waited for. */
export interface Turn {
  readonly say?: Buffer;
  /** Whether TLS begins first, on the connection as it stands. */
  readonly secure?: boolean;
  /** What is waited for, for people: `220, an SMTP greeting`. */
  readonly wants: string;
  /**
   * Everything heard in this turn so far, at each new piece; undefined = more has to come. Where that
   * takes a while to judge a promise, and what came meanwhile is judged after it.
   */
  hear(heard: Buffer): Next | undefined | Promise<Next | undefined>;
}

/** The end: what was found, and a last word to a server that is owed one. */
export interface Parting {
  readonly result: CheckResult;
  readonly say?: Buffer;
}

export type Next = Turn | Parting;

export const pass = (reason: string, say?: Buffer): Parting => ({
  result: { passed: true, reason },
  ...(say === undefined ? {} : { say }),
});
export const fail = (reason: string, say?: Buffer): Parting => ({
  result: { passed: false, reason },
  ...(say === undefined ? {} : { say }),
});

/** `nothing`, or the beginning of what came, as a quoted text. */
export function showHeard(heard: Buffer): string {
  if (heard.length === 0) return "nothing";
  const text = heard.subarray(0, SHOWN_CHARACTERS_MAX).toString("latin1");
  const more = heard.length > SHOWN_CHARACTERS_MAX ? ` and more, ${heard.length} bytes` : "";
  // JSON leaves what is above ASCII as it is, control characters too.
  const shown = JSON.stringify(text).replace(
    /[\x7f-\xff]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16)}`,
  );
  return `${shown}${more}`;
}

export const unexpected = (wants: string, heard: Buffer): Parting =>
  fail(`want ${wants}, got ${showHeard(heard)}`);

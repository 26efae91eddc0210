// ip-session.ts — one long-lived `ip -batch`: what is asked of it again and again, within a bound.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { parseBatchErrors } from "./ip-errors.js";

/** It died or took too long. A process of its own can still be asked. */
export type NoAnswer = "no-answer";

/** One question at a time. */
export interface IpSession {
  /** Performs the lines one after the other; what `ip` said of those that failed, by line from 1. */
  perform(lines: readonly string[]): Promise<ReadonlyMap<number, string> | NoAnswer>;
  /** What a line that lists something prints: JSON. */
  list(line: string): Promise<string | NoAnswer>;
  /** Ends the child; the next question starts another. To be called when links changed: ip remembers them. */
  renew(): void;
}

/** ip has no such word: its complaint comes behind all others, and says that everything is done. */
const ACK = "ack";
/** Far more than the complaints about a thousand lines, or the listing of as many addresses. */
const SAID_BYTES_MAX = 4 * 1024 * 1024;

interface Heard {
  printed: string;
  said: string;
}

/**
 * What is done each second needs no process of its own each second: forking a daemon of this size
 * costs more than the work. A child that does not answer within `answerMs` is killed, so that it
 * cannot perform the lines later.
 */
export function createIpSession(options: {
  readonly answerMs: number;
  readonly argv?: readonly string[];
}): IpSession {
  const [command = "ip", ...rest] = options.argv ?? ["ip", "-j", "-force", "-batch", "-"];
  let child: ChildProcessWithoutNullStreams | undefined;
  let told = 0;
  let heard: Heard = { printed: "", said: "" };
  let onHeard: () => void = () => undefined;

  const renew = () => {
    child?.kill("SIGKILL");
    child = undefined;
    onHeard();
  };
  const start = (): ChildProcessWithoutNullStreams => {
    const born = spawn(command, rest, { stdio: "pipe" });
    child = born;
    told = 0;
    const lost = () => {
      if (child === born) renew();
    };
    const hear = (what: keyof Heard) => (chunk: string) => {
      if (child !== born) return;
      heard[what] += chunk;
      if (heard[what].length > SAID_BYTES_MAX) renew();
      else onHeard();
    };
    born.stdout.setEncoding("utf8").on("data", hear("printed"));
    born.stderr.setEncoding("utf8").on("data", hear("said"));
    born.stdin.on("error", lost);
    born.on("error", lost);
    born.on("exit", lost);
    return born;
  };
  /** `complete` is asked once the word has come back: the two pipes are read in any order. */
  const ask = async (
    lines: readonly string[],
    complete: (failed: ReadonlyMap<number, string>) => boolean,
  ): Promise<ReadonlyMap<number, string> | NoAnswer> => {
    const to = child ?? start();
    const before = told;
    told += lines.length + 1;
    heard = { printed: "", said: "" };
    const end = `Command failed -:${told}\n`;
    const failures = () => {
      const all = [...parseBatchErrors(heard.said)].map(([n, why]) => [n - before, why] as const);
      return new Map(all.filter(([n]) => n <= lines.length));
    };
    return new Promise((resolve) => {
      const timer = setTimeout(renew, options.answerMs);
      onHeard = () => {
        if (child === to && !heard.said.endsWith(end)) return;
        const failed = failures();
        if (child === to && !complete(failed)) return;
        clearTimeout(timer);
        onHeard = () => undefined;
        resolve(child === to ? failed : "no-answer");
      };
      to.stdin.write(`${lines.join("\n")}\n${ACK}\n`);
    });
  };

  return {
    perform: (lines) => ask(lines, () => true),
    async list(line) {
      // One line of JSON, however long.
      const failed = await ask([line], ({ size }) => size > 0 || heard.printed.endsWith("\n"));
      return failed === "no-answer" || failed.size > 0 ? "no-answer" : heard.printed;
    },
    renew,
  };
}

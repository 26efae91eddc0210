// ip-session.ts — one long-lived `ip -batch`: lines in, which of them failed, within a bound.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { parseBatchErrors } from "./ip-errors.js";

/** What `ip` said of the lines that failed, by line from 1; "no-answer": it died, or took too long. */
export type IpAnswer = ReadonlyMap<number, string> | "no-answer";

export interface IpSession {
  /** Performs the lines one after the other, whatever fails. One question at a time. */
  ask(lines: readonly string[]): Promise<IpAnswer>;
  /** Ends the child; the next question starts another. To be called when links changed: ip remembers them. */
  renew(): void;
}

/** ip has no such word: its complaint comes behind all others, and says that everything is done. */
const ACK = "ack";
/** Far more than the complaints about a thousand lines. */
const SAID_BYTES_MAX = 1024 * 1024;

/**
 * What is done each second needs no process of its own each second: forking a daemon of this size
 * costs more than the work. A child that does not answer within `answerMs` is killed, so that it
 * cannot perform the lines later.
 */
export function createIpSession(options: {
  readonly answerMs: number;
  readonly argv?: readonly string[];
}): IpSession {
  const [command = "ip", ...rest] = options.argv ?? ["ip", "-force", "-batch", "-"];
  let child: ChildProcessWithoutNullStreams | undefined;
  let told = 0;
  let said = "";
  let onSaid: () => void = () => undefined;

  const renew = () => {
    child?.kill("SIGKILL");
    child = undefined;
    onSaid();
  };
  const start = (): ChildProcessWithoutNullStreams => {
    const born = spawn(command, rest, { stdio: "pipe" });
    child = born;
    told = 0;
    const lost = () => {
      if (child === born) renew();
    };
    born.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      if (child !== born) return;
      said = (said + chunk).slice(-SAID_BYTES_MAX);
      onSaid();
    });
    born.stdout.resume();
    born.stdin.on("error", lost);
    born.on("error", lost);
    born.on("exit", lost);
    return born;
  };

  return {
    async ask(lines) {
      const to = child ?? start();
      const before = told;
      told += lines.length + 1;
      said = "";
      const end = `Command failed -:${told}\n`;
      const answered = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(renew, options.answerMs);
        onSaid = () => {
          if (child === to && !said.endsWith(end)) return;
          clearTimeout(timer);
          onSaid = () => undefined;
          resolve(child === to);
        };
        to.stdin.write(`${lines.join("\n")}\n${ACK}\n`);
      });
      if (!answered) return "no-answer";
      const errors = [...parseBatchErrors(said)].map(([n, why]) => [n - before, why] as const);
      return new Map(errors.filter(([n]) => n <= lines.length));
    },
    renew,
  };
}

// ip-session.ts — one long-lived `ip -batch`: what is asked of it again and again, within a bound.
import { parseBatchErrors } from "./ip-errors.js";
import { KEPT, type Lane, openLane } from "./lane.js";

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
  /** Starts its shell and its ip, where they are not there yet: the first question need not fork. */
  prepare(): void;
  /** Ends it for good: whatever is asked from now on has no answer. */
  close(): void;
}

/** ip has no such word: its complaint comes behind all others, and says that everything is done. */
const ACK = "ack";
/** Far more than the complaints about a thousand lines, or the listing of as many addresses. */
const SAID_BYTES_MAX = 4 * 1024 * 1024;

/** A child that was killed, and hangs in the kernel, is waited for no longer. */
const GRACE_MS = 1000;

interface Heard {
  stdout: string;
  stderr: string;
}

/**
 * What is done each second needs no process of its own each second: forking a daemon of this size
 * costs more than the work. A child that does not answer within `answerMs` is killed, so that it
 * cannot perform the lines later; a shell starts the next one.
 */
export function createIpSession(options: {
  readonly answerMs: number;
  readonly argv?: readonly string[];
}): IpSession {
  const argv = options.argv ?? ["ip", "-j", "-force", "-batch", "-"];
  let lane: Lane | undefined;
  /** Of the lane's ip: none yet, one that takes questions, one that was killed. */
  let state: "none" | "ready" | "ending" = "none";
  let told = 0;
  let heard: Heard = { stdout: "", stderr: "" };
  let closed = false;
  let decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  let onHeard: () => void = () => undefined;

  const renew = () => {
    if (state !== "ready") return;
    state = "ending";
    lane?.kill();
  };
  const lost = () => {
    state = "none";
    onHeard();
  };
  const open = (): Lane => {
    const born = openLane({
      onSaid(what, chunk) {
        if (lane !== born || state !== "ready") return;
        heard[what] += decoders[what].decode(chunk, { stream: true });
        if (heard[what].length > SAID_BYTES_MAX) renew();
        else onHeard();
      },
      onEnded: () => lane === born && lost(),
      onLost() {
        if (lane !== born) return;
        lane = undefined;
        lost();
      },
    });
    return born;
  };
  /** The lane with an ip that takes questions; undefined while the last one has not ended. */
  const ready = (): Lane | undefined => {
    lane ??= open();
    if (state === "none") {
      lane.begin(argv, KEPT);
      decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
      told = 0;
      state = "ready";
    }
    return state === "ready" ? lane : undefined;
  };
  /** What comes first: the next thing that is heard, or the end of the time. */
  const hear = (ms: number): Promise<"heard" | "late"> =>
    new Promise((resolve) => {
      const done = (what: "heard" | "late") => {
        clearTimeout(timer);
        onHeard = () => undefined;
        resolve(what);
      };
      // A stalled loop runs this timer before it reads the pipe: let the answer in first.
      const late = () => setImmediate(() => setImmediate(done, "late"));
      const timer = setTimeout(late, Math.max(0, ms));
      onHeard = () => done("heard");
    });
  /** `complete` is asked once the word has come back: the two pipes are read in any order. */
  const ask = async (
    lines: readonly string[],
    complete: (failed: ReadonlyMap<number, string>) => boolean,
  ): Promise<ReadonlyMap<number, string> | NoAnswer> => {
    if (state === "ending") await hear(GRACE_MS);
    const to = closed ? undefined : ready();
    if (to === undefined) return "no-answer";
    const before = told;
    told += lines.length + 1;
    heard = { stdout: "", stderr: "" };
    const end = `Command failed -:${told}\n`;
    to.write(`${lines.join("\n")}\n${ACK}\n`);
    const until = performance.now() + options.answerMs;
    while ((await hear(until - performance.now())) === "heard") {
      if (state !== "ready") return "no-answer";
      if (!heard.stderr.endsWith(end)) continue;
      const all = [...parseBatchErrors(heard.stderr)].map(([n, why]) => [n - before, why] as const);
      const failed = new Map(all.filter(([n]) => n <= lines.length));
      if (complete(failed)) return failed;
    }
    renew();
    // What it does at this moment it may still do; whoever asks another process comes behind it.
    if (state === "ending") await hear(GRACE_MS);
    return "no-answer";
  };

  return {
    perform: (lines) => ask(lines, () => true),
    async list(line) {
      // One line of JSON, however long.
      const whole = ({ size }: ReadonlyMap<number, string>) =>
        size > 0 || heard.stdout.endsWith("\n");
      const failed = await ask([line], whole);
      return failed === "no-answer" || failed.size > 0 ? "no-answer" : heard.stdout;
    },
    renew,
    prepare: () => void (closed || ready()),
    close() {
      closed = true;
      lane?.close();
      lane = undefined;
      lost();
    },
  };
}

// script-process.ts — one run of a script: bounded in time and output, and nothing left of it.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { firstLine } from "./reason-line.js";

/** A script that prints more is ended: nobody reads it, and it would only cost time. */
export const SCRIPT_OUTPUT_BYTES_MAX = 1024 * 1024;
/** Of the output, what is looked at for the reason. */
export const SCRIPT_OUTPUT_BYTES_KEPT = 4096;
/** From SIGTERM to SIGKILL. */
export const SCRIPT_GRACE_MS = 500;
/** How long after its end a pipe held open by a stray is waited for. */
const PIPE_PATIENCE_MS = 100;

export type ScriptEnd = "exited" | "timed-out" | "printed-too-much" | "aborted" | "not-started";

export interface ScriptOutcome {
  readonly end: ScriptEnd;
  /** Exit code; null where a signal ended it or it was not waited for. */
  readonly code: number | null;
  readonly signal: string | null;
  /** First line of standard output, else of standard error. */
  readonly line: string;
  /** The beginning of both streams, for people who look for what is wrong. */
  readonly output: string;
}

export interface ScriptRun {
  /** Resolves at the script's end or at its timeout, whichever is first; never rejects. */
  readonly outcome: Promise<ScriptOutcome>;
  /** Resolves once the process group is gone; never rejects. */
  readonly gone: Promise<void>;
}

export interface ScriptOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
}

function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Head {
  /** Answers how many bytes came in all. */
  add(chunk: Buffer): number;
  text(): string;
}

/** Keeps the beginning of a stream and counts the rest. */
function createHead(): Head {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add(chunk) {
      if (size < SCRIPT_OUTPUT_BYTES_KEPT) {
        // A copy: a slice would keep the whole chunk alive.
        chunks.push(Buffer.from(chunk.subarray(0, SCRIPT_OUTPUT_BYTES_KEPT - size)));
      }
      size += chunk.length;
      return size;
    },
    text: () => Buffer.concat(chunks).toString("utf8"),
  };
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** SIGTERM to a group, SIGKILL after the grace; resolves once that is done or the group is gone. */
function endGroup(pid: number, leaderGone: Promise<void>): Promise<void> {
  signalGroup(pid, "SIGTERM");
  return new Promise((resolve) => {
    const kill = setTimeout(() => {
      signalGroup(pid, "SIGKILL");
      resolve();
    }, SCRIPT_GRACE_MS);
    void leaderGone.then(() => {
      // With the leader reaped and nobody else in the group, its number may soon be another's.
      if (groupLives(pid)) return;
      clearTimeout(kill);
      resolve();
    });
  });
}

/** Runs `argv` in a session and process group of its own, standard input closed. */
export function runScript(argv: readonly string[], options: ScriptOptions): ScriptRun {
  const run = new Script(argv, options);
  return { outcome: run.outcome.promise, gone: run.gone.promise };
}

class Script {
  readonly outcome = deferred<ScriptOutcome>();
  readonly gone = deferred<void>();
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #leaderGone = deferred<void>();
  readonly #stdout = createHead();
  readonly #stderr = createHead();
  #over = false;

  constructor(argv: readonly string[], { env, timeoutMs, signal }: ScriptOptions) {
    const [command = "", ...rest] = argv;
    const child = spawn(command, rest, {
      cwd: "/",
      detached: true,
      env: { ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    // A late timer runs before the news of a child's end that waits behind it: let that in first.
    const timer = setTimeout(() => setImmediate(() => this.#endNow("timed-out")), timeoutMs);
    const abort = () => this.#endNow("aborted");
    signal.addEventListener("abort", abort, { once: true });
    void this.outcome.promise.then(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    });
    // First of all: an error that nobody listens to would end the daemon.
    child.on("error", (error) => this.#onError(error));
    child.on("exit", (code, by) => this.#onExit(code, by));
    // Without file descriptors there are no pipes.
    const { stdout, stderr } = child as Partial<typeof child>;
    stdout?.on("data", (chunk: Buffer) => this.#read(this.#stdout, chunk));
    stderr?.on("data", (chunk: Buffer) => this.#read(this.#stderr, chunk));
  }

  #read(head: Head, chunk: Buffer): void {
    if (head.add(chunk) > SCRIPT_OUTPUT_BYTES_MAX) this.#endNow("printed-too-much");
  }

  #settle(end: ScriptEnd, code: number | null, signal: string | null): void {
    this.#over = true;
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    const line = firstLine(this.#stdout.text()) || firstLine(this.#stderr.text());
    const output = [this.#stdout, this.#stderr].map((head) => head.text()).join("");
    this.outcome.resolve({ end, code, signal, line, output });
  }

  #endNow(end: ScriptEnd): void {
    const { pid } = this.#child;
    if (this.#over || pid === undefined) return;
    this.#settle(end, null, null);
    void endGroup(pid, this.#leaderGone.promise).then(() => this.gone.resolve());
  }

  #onError(error: Error): void {
    this.#over = true;
    const line = firstLine(error.message);
    this.outcome.resolve({ end: "not-started", code: null, signal: null, line, output: "" });
    this.gone.resolve();
  }

  #onExit(code: number | null, signal: string | null): void {
    const { pid } = this.#child;
    this.#leaderGone.resolve();
    if (this.#over) return;
    // Children it left behind have no business beyond the check; nobody would ever end them.
    if (pid !== undefined) signalGroup(pid, "SIGKILL");
    const finish = () => {
      clearTimeout(patience);
      if (this.#over) return;
      this.#settle("exited", code, signal);
      this.gone.resolve();
    };
    const patience = setTimeout(finish, PIPE_PATIENCE_MS);
    this.#child.once("close", finish);
  }
}

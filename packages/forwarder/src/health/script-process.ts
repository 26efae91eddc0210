// script-process.ts — one run of a script: bounded in time and output, and nothing left of it.
import { spawn } from "node:child_process";
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

/** Keeps the beginning of a stream and counts the rest. */
function createHead(): { add(chunk: Buffer): number; text(): string } {
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
  const [command = "", ...rest] = argv;
  const child = spawn(command, rest, {
    cwd: "/",
    detached: true,
    env: { ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const heads = [createHead(), createHead()] as const;
  const outcome = deferred<ScriptOutcome>();
  const gone = deferred<void>();
  const leaderGone = deferred<void>();
  let over = false;
  const settle = (end: ScriptEnd, code: number | null, signal: string | null) => {
    const [line = ""] = heads.map((head) => firstLine(head.text())).filter((text) => text !== "");
    outcome.resolve({ end, code, signal, line });
  };
  const endNow = (end: ScriptEnd) => {
    if (over || child.pid === undefined) return;
    over = true;
    settle(end, null, null);
    child.stdout.destroy();
    child.stderr.destroy();
    void endGroup(child.pid, leaderGone.promise).then(() => gone.resolve());
  };
  // A late timer runs before the news of a child's end that waits behind it: let that in first.
  const timer = setTimeout(() => setImmediate(() => endNow("timed-out")), options.timeoutMs);
  const abort = () => endNow("aborted");
  options.signal.addEventListener("abort", abort, { once: true });
  void outcome.promise.then(() => {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", abort);
  });

  for (const [stream, head] of [
    [child.stdout, heads[0]],
    [child.stderr, heads[1]],
  ] as const) {
    stream.on("data", (chunk: Buffer) => {
      if (head.add(chunk) > SCRIPT_OUTPUT_BYTES_MAX) endNow("printed-too-much");
    });
  }
  child.on("error", (error) => {
    over = true;
    const line = firstLine(error.message);
    outcome.resolve({ end: "not-started", code: null, signal: null, line });
    gone.resolve();
  });
  child.on("exit", (code, signal) => {
    leaderGone.resolve();
    if (over) return;
    // Children it left behind have no business beyond the check; nobody would ever end them.
    if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
    const finish = () => {
      if (over) return;
      over = true;
      clearTimeout(patience);
      settle("exited", code, signal);
      child.stdout.destroy();
      child.stderr.destroy();
      gone.resolve();
    };
    const patience = setTimeout(finish, PIPE_PATIENCE_MS);
    child.once("close", finish);
  });
  return { outcome: outcome.promise, gone: gone.promise };
}

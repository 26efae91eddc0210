// run.ts — commands as argument lists: no shell, bounded time, bounded output, never a process left behind.
import { type ChildProcess, spawn } from "node:child_process";
import { Readable } from "node:stream";
import { type Millis, millis } from "./duration.js";

export interface RunOptions {
  /** Milliseconds until SIGTERM goes to the whole process group; SIGKILL follows after one second. */
  readonly timeoutMs?: number;
  /** Written to standard input, which is then closed. */
  readonly input?: string;
  /** The same in pieces, which are made as fast as they are read. */
  readonly inputParts?: Iterable<string>;
  /** Takes standard output as it comes, instead of keeping it. */
  readonly onOutput?: (text: string) => void;
  /** Bytes kept of each of stdout and stderr; more is read and thrown away. */
  readonly outputBytesMax?: number;
  /** Told the process id as soon as there is one. */
  readonly onStart?: (pid: number) => void;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface RunResult {
  readonly argv: readonly string[];
  /** Process id it had; absent where it never started. */
  readonly pid?: number;
  /** Exit code; null where a signal ended it or it never started. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly truncated: boolean;
  readonly tookMs: Millis;
}

export type Run = (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;

export const RUN_TIMEOUT_MS = 10_000;
export const RUN_OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
/** From SIGTERM to SIGKILL, and from a command's exit until its left children are killed. */
export const RUN_GRACE_MS = 1000;

/** A command failed; the message shows argument list, exit code and what it said. */
export class CommandError extends Error {
  readonly result: RunResult;
  constructor(result: RunResult) {
    const how = result.timedOut
      ? `timed out after ${Math.round(result.tookMs)} ms`
      : result.signal !== null
        ? `ended by ${result.signal}`
        : result.code === null
          ? "did not start"
          : `exit code ${result.code}`;
    const said = (result.stderr || result.stdout).trim().slice(0, 2000);
    super(`${result.argv.join(" ")}: ${how}${said === "" ? "" : `: ${said}`}`);
    this.name = "CommandError";
    this.result = result;
  }
}

interface Collector {
  text(): string;
  readonly truncated: boolean;
  add(chunk: Buffer): void;
}

function createCollector(bytesMax: number): Collector {
  const chunks: Buffer[] = [];
  let size = 0;
  let truncated = false;
  return {
    text: () => Buffer.concat(chunks).toString("utf8"),
    get truncated() {
      return truncated;
    },
    add(chunk) {
      const room = bytesMax - size;
      if (chunk.length > room) truncated = true;
      if (room <= 0) return;
      chunks.push(chunk.subarray(0, room));
      size += Math.min(chunk.length, room);
    },
  };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
}

/** Kills the group at the end of the time, politely first; answers with how to call that off. */
function boundTime(pid: number | undefined, timeoutMs: number, onTimeout: () => void): () => void {
  let last: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    onTimeout();
    signalGroup(pid, "SIGTERM");
    last = setTimeout(() => signalGroup(pid, "SIGKILL"), RUN_GRACE_MS);
  }, timeoutMs);
  return () => {
    clearTimeout(first);
    clearTimeout(last);
  };
}

/** Resolves when the command has ended and nothing of its group is left: code, signal, or why it never ran. */
function watchEnd(child: ChildProcess): Promise<{
  readonly code: number | null;
  readonly signal: string | null;
  readonly error?: Error;
}> {
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: null, signal: null, error }));
    child.on("exit", (code, signal) => {
      const finish = () => {
        // Also where the command succeeded: what it left in the background belongs to nobody.
        signalGroup(child.pid, "SIGKILL");
        resolve({ code, signal });
      };
      // 'close' waits for the pipes, which a child left behind may hold open: give it the grace, no more.
      const impatience = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        finish();
      }, RUN_GRACE_MS);
      child.on("close", () => {
        clearTimeout(impatience);
        finish();
      });
    });
  });
}

function start(argv: readonly string[], options: RunOptions): ChildProcess | Error {
  const [command = "", ...rest] = argv;
  try {
    return spawn(command, rest, {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
    });
  } catch (error) {
    // Some failures are thrown, not told: an argument longer than the kernel takes, a NUL in one.
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Pieces go as they are taken. One that cannot be made ends the command: half an input may mean anything. */
function feed(
  child: ChildProcess,
  { input, inputParts }: RunOptions,
  onError: (why: Error) => void,
) {
  const { stdin } = child;
  stdin?.on("error", () => {
    // The command closed its input early; its exit code tells the story.
  });
  if (inputParts === undefined) {
    stdin?.end(input ?? "");
    return;
  }
  const pieces = Readable.from(inputParts);
  pieces.on("error", (error) => {
    onError(error);
    signalGroup(child.pid, "SIGKILL");
  });
  stdin?.on("close", () => pieces.destroy());
  if (stdin) pieces.pipe(stdin);
}

/** Runs a command in a process group of its own. Resolves however it ends; see `mustRun`. */
export const runCommand: Run = async (argv, options = {}) => {
  const { timeoutMs = RUN_TIMEOUT_MS, outputBytesMax = RUN_OUTPUT_BYTES_MAX } = options;
  const started = process.hrtime.bigint();
  const stdout = createCollector(outputBytesMax);
  const stderr = createCollector(outputBytesMax);
  let timedOut = false;
  const child = start(argv, options);
  const pid = child instanceof Error ? undefined : child.pid;
  if (pid !== undefined) options.onStart?.(pid);
  const result = (code: number | null, signal: string | null): RunResult => ({
    argv,
    ...(pid === undefined ? {} : { pid }),
    code,
    signal,
    stdout: stdout.text(),
    stderr: stderr.text(),
    timedOut,
    truncated: stdout.truncated || stderr.truncated,
    tookMs: millis(Number(process.hrtime.bigint() - started) / 1e6),
  });
  if (child instanceof Error) {
    stderr.add(Buffer.from(child.message));
    return result(null, null);
  }
  const cancel = boundTime(child.pid, timeoutMs, () => {
    timedOut = true;
  });
  const { onOutput } = options;
  if (onOutput === undefined) child.stdout?.on("data", (chunk: Buffer) => stdout.add(chunk));
  else child.stdout?.setEncoding("utf8").on("data", onOutput);
  child.stderr?.on("data", (chunk: Buffer) => stderr.add(chunk));
  feed(child, options, (error) => stderr.add(Buffer.from(error.message)));
  const { code, signal, error } = await watchEnd(child);
  cancel();
  if (error !== undefined) stderr.add(Buffer.from(error.message));
  return result(code, signal);
};

/** Runs a command that has to succeed; throws CommandError otherwise. */
export async function mustRun(
  run: Run,
  argv: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  const result = await run(argv, options);
  if (result.code !== 0) throw new CommandError(result);
  return result;
}

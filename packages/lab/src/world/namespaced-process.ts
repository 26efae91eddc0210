// namespaced-process.ts — long-lived programs inside a namespace that cannot outlive the lab.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

export interface ProcessOptions {
  /** Both outputs are appended to this file; without one, stdin and stdout are pipes. */
  readonly logFile?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How long a program may take to end after SIGTERM before it gets SIGKILL. */
const END_MS = 2000;

/**
 * Starts a program inside a network namespace. The kernel kills it when the lab's process dies,
 * however that dies. `ip netns exec` becomes the program, so the pid is the program's own.
 */
export function startInNamespace(
  namespace: string,
  argv: readonly string[],
  options: ProcessOptions = {},
): ChildProcess {
  const words = ["--pdeathsig", "KILL", "ip", "netns", "exec", namespace, ...argv];
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, "a");
  try {
    return spawn("setpriv", words, {
      stdio: log === undefined ? ["pipe", "pipe", "inherit"] : ["ignore", log, log],
      env: { ...process.env, ...options.env },
    });
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

export const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null || child.pid === undefined;

/** Resolves once the program is gone. */
export const ended = (child: ChildProcess): Promise<void> =>
  hasEnded(child)
    ? Promise.resolve()
    : new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.once("error", () => resolve());
      });

/** SIGTERM, then SIGKILL; resolves once the program is gone. */
export async function endProcess(
  child: ChildProcess,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<void> {
  if (hasEnded(child)) return;
  child.kill(signal);
  // A frozen program cannot follow SIGTERM.
  if (signal !== "SIGKILL") child.kill("SIGCONT");
  const impatience = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await ended(child);
  clearTimeout(impatience);
}

// busy-loops.ts — processes that only burn processor time, and cannot outlive the bench.
import { type ChildProcess, spawn } from "node:child_process";

export interface BusyLoops {
  readonly pids: readonly number[];
  stop(): void;
}

/** Ordinary processes of ordinary priority. */
export function startBusyLoops(count: number): BusyLoops {
  const children: ChildProcess[] = Array.from({ length: count }, () =>
    spawn("setpriv", ["--pdeathsig", "KILL", "sh", "-c", "while :; do :; done"], {
      stdio: "ignore",
    }),
  );
  return {
    pids: children.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    stop() {
      for (const child of children) child.kill("SIGKILL");
    },
  };
}

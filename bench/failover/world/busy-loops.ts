// busy-loops.ts — processes that only burn processor time, and cannot outlive the bench.
import { type ChildProcess, spawn } from "node:child_process";

export interface BusyLoops {
  readonly pids: readonly number[];
  stop(): void;
}

const start = (count: number, argv: readonly string[]): BusyLoops => {
  const children: ChildProcess[] = Array.from({ length: count }, () =>
    spawn("setpriv", ["--pdeathsig", "KILL", ...argv], { stdio: "ignore" }),
  );
  return {
    pids: children.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    stop() {
      for (const child of children) child.kill("SIGKILL");
    },
  };
};

/** Ordinary processes of ordinary priority. */
export const startBusyLoops = (count: number): BusyLoops =>
  start(count, ["sh", "-c", "while :; do :; done"]);

/** The same, each with so much processor time in every stretch of so many milliseconds and no more. */
export const startSmallBurners = (count: number, burnMs: number, everyMs: number): BusyLoops =>
  start(count, [
    process.execPath,
    "--single-threaded",
    "-e",
    `const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
     setInterval(() => { const from = used(); while (used() - from < ${burnMs}); }, ${everyMs});`,
  ]);

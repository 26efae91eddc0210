// process-tree.ts — a daemon with every child of its: what it costs, how it is scheduled.
import { readdirSync, readFileSync } from "node:fs";
import { runCommand } from "@lbpair/common";

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It ended meanwhile.
    return "";
  }
};

/** The process and all below it, as they are now. */
export function processTree(pid: number): number[] {
  let tasks: string[] = [];
  try {
    tasks = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  const children = tasks.flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`)
      .split(" ")
      .filter((word) => word.trim() !== ""),
  );
  return [pid, ...children.flatMap((child) => processTree(Number(child)))];
}

/** Linux reports processor time in hundredths of a second to everybody (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Processor time in milliseconds, user and kernel, children that ended and were waited for included. */
export const cpuMs = (pids: readonly number[]): number =>
  pids.reduce((total, pid) => {
    const stat = read(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i] ?? 0), 0);
    return total + (ticks * 1000) / TICKS_PER_SECOND;
  }, 0);

/** Resident memory in megabytes (10^6 bytes), shared pages counted in each process. */
export const residentMb = (pids: readonly number[]): number =>
  pids.reduce((total, pid) => {
    const kib = /VmRSS:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`))?.[1];
    return total + (Number(kib ?? 0) * 1024) / 1e6;
  }, 0);

/** SCHED_RR, SCHED_FIFO, SCHED_OTHER … as the kernel says it; the process's main thread. */
export async function schedulingOf(pid: number): Promise<string> {
  const { stdout } = await runCommand(["chrt", "-p", `${pid}`]);
  const policy = /policy: (\S+)/.exec(stdout)?.[1] ?? "not known";
  const priority = /priority: (\S+)/.exec(stdout)?.[1];
  return priority === undefined || priority === "0" ? policy : `${policy} ${priority}`;
}

/** Every thread of these processes an ordinary one, or a real-time one as the heartbeat asks to be. */
export async function schedule(
  pids: readonly number[],
  how: "ordinary" | "realtime",
): Promise<void> {
  const words = how === "ordinary" ? ["--other", "--pid", "0"] : ["--rr", "--pid", "1"];
  for (const pid of pids) await runCommand(["chrt", "--all-tasks", ...words, `${pid}`]);
}

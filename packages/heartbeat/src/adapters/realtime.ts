// realtime.ts — asks the kernel to let the heartbeat run before everything that has no deadline.
import type { Run } from "@lbpair/common";

/** Lowest real-time priority there is: above every ordinary process, below every other real-time one. */
export const REALTIME_PRIORITY = 1;
const CHRT_TIMEOUT_MS = 2000;

/**
 * Round-robin real-time scheduling (sched(7)) for all threads of this process; the helpers that it
 * starts later inherit it. Answers what `chrt` said where the kernel refuses (a container without
 * CAP_SYS_NICE, a cgroup without real-time share), and null where it is granted.
 */
export async function requestRealtime(run: Run, pid: number): Promise<string | null> {
  const argv = ["chrt", "--rr", "--all-tasks", "--pid", `${REALTIME_PRIORITY}`, `${pid}`];
  const { code, stderr, stdout } = await run(argv, { timeoutMs: CHRT_TIMEOUT_MS });
  return code === 0 ? null : (stderr || stdout).trim().split("\n")[0] || "chrt failed";
}

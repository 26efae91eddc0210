// realtime.ts — asks the kernel to let the heartbeat run before everything that has no deadline.
import { readFile } from "node:fs/promises";
import type { Run } from "@lbpair/common";

/** Lowest real-time priority there is: above every ordinary process, below every other real-time one. */
export const REALTIME_PRIORITY = 1;
const CHRT_TIMEOUT_MS = 2000;
/** SCHED_OTHER in proc(5)'s stat, field 41; the fields before the third may hold spaces. */
const ORDINARY = "0";
const POLICY_FIELD = 41 - 3;

const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");

/** Helpers, and theirs, that were started before the answer came: a busy machine makes `chrt` slow. */
async function ordinaryBelow(pid: number): Promise<number[]> {
  const children = (await read(`/proc/${pid}/task/${pid}/children`)).split(" ").filter(Boolean);
  const found = await Promise.all(
    children.map(async (child) => {
      const stat = await read(`/proc/${child}/stat`);
      const policy = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[POLICY_FIELD];
      const below = await ordinaryBelow(Number(child));
      return policy === ORDINARY ? [Number(child), ...below] : below;
    }),
  );
  return found.flat();
}

/**
 * Round-robin real-time scheduling (sched(7)) for all threads of this process and the helpers that it
 * has; those that it starts later inherit it. Answers what `chrt` said where the kernel refuses (a
 * container without CAP_SYS_NICE, a cgroup without real-time share), and null where it is granted.
 */
export async function requestRealtime(run: Run, pid: number): Promise<string | null> {
  const ask = (asked: number) =>
    run(["chrt", "--rr", "--all-tasks", "--pid", `${REALTIME_PRIORITY}`, `${asked}`], {
      timeoutMs: CHRT_TIMEOUT_MS,
    });
  const { code, stderr, stdout } = await ask(pid);
  if (code !== 0) return (stderr || stdout).trim().split("\n")[0] || "chrt failed";
  // One that has ended meanwhile cannot be asked, and need not.
  await Promise.all((await ordinaryBelow(pid)).map(ask));
  return null;
}

// leftovers.mjs — what a test left behind: processes known by a mark in their environment, and namespaces
// known by the pid in their name. Nothing without the mark is ever touched.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";

export const MARK = "LBPAIR_TEST_RUN";
/** Kernel tests name their namespaces `lbt-<pid of their owner>-<what>`. */
export const NAMESPACE_NAME = /^lbt-(\d+)-/;

const isRunning = (pid) => {
  try {
    // A zombie has ended; only its parent has not looked yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

const commandOf = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
};

/** Living processes that carry this mark, other than this process itself. */
export function markedProcesses(mark) {
  const wanted = `${MARK}=${mark}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(wanted);
      } catch {
        return false;
      }
    })
    .filter(isRunning)
    .map((pid) => ({ pid: Number(pid), command: commandOf(pid) }));
}

/** Kills the marked processes; answers with what they were. */
export function killMarked(mark) {
  const left = markedProcesses(mark);
  for (const { pid } of left) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Ended by itself meanwhile.
    }
  }
  return left;
}

/** Removes the namespaces of test processes that are dead; answers with their names. */
export function removeDeadNamespaces() {
  if (!existsSync("/run/netns")) return [];
  const dead = readdirSync("/run/netns").filter((name) => {
    const owner = NAMESPACE_NAME.exec(name)?.[1];
    return owner !== undefined && !existsSync(`/proc/${owner}`);
  });
  return dead.filter((name) => {
    try {
      const pids = execFileSync("ip", ["netns", "pids", name], { encoding: "utf8" });
      for (const pid of pids.split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
      execFileSync("ip", ["netns", "delete", name]);
      rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
      return true;
    } catch (error) {
      console.log(`cannot remove the namespace ${name} of a dead test: ${error.message}`);
      return false;
    }
  });
}

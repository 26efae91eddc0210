// cpu-quota.ts — a share of a processor for some processes, by the kernel's cgroups of either version.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const V2 = "/sys/fs/cgroup";
const V1 = "/sys/fs/cgroup/cpu";
const PREFIX = "lbpair-bench-";
const PERIOD_US = 100_000;
export const PERIOD_MS = PERIOD_US / 1000;
/** What was tried where there is none. */
export const NO_QUOTA = `no quotas here: neither ${V1}/cpu.cfs_quota_us nor the cpu controller in ${V2}/cgroup.subtree_control`;

export interface CpuQuota {
  /** Into the group, with every thread. */
  admit(pids: readonly number[]): void;
  /** Periods in which the group ran, and those in which it had to wait for the next (nr_periods, nr_throttled of cpu.stat). */
  counts(): { readonly periods: number; readonly throttled: number };
  remove(): void;
}

interface Version {
  readonly root: string;
  quota(folder: string, percent: number): void;
}

const write = (folder: string, file: string, text: string): void =>
  writeFileSync(join(folder, file), text);

const version = (): Version | undefined => {
  if (existsSync(join(V1, "cpu.cfs_quota_us"))) {
    return {
      root: V1,
      quota(folder, percent) {
        write(folder, "cpu.cfs_period_us", `${PERIOD_US}`);
        write(folder, "cpu.cfs_quota_us", `${(PERIOD_US * percent) / 100}`);
      },
    };
  }
  const file = join(V2, "cgroup.subtree_control");
  if (!existsSync(file) || !readFileSync(file, "utf8").includes("cpu")) return undefined;
  return {
    root: V2,
    quota: (folder, percent) =>
      write(folder, "cpu.max", `${(PERIOD_US * percent) / 100} ${PERIOD_US}`),
  };
};

/** Groups of benches that died, by the process id in their names. */
function removeLeft(root: string): void {
  for (const name of readdirSync(root).filter((entry) => entry.startsWith(PREFIX))) {
    if (existsSync(`/proc/${name.slice(PREFIX.length).split("-")[0]}`)) continue;
    try {
      rmdirSync(join(root, name));
    } catch {
      // A process of it still ends.
    }
  }
}

/** Undefined where this machine gives out no quotas. */
export function createQuota(name: string, percent: number): CpuQuota | undefined {
  const found = version();
  if (found === undefined) return undefined;
  const { root } = found;
  removeLeft(root);
  const folder = join(root, `${PREFIX}${process.pid}-${name}`);
  mkdirSync(folder, { recursive: true });
  found.quota(folder, percent);
  const move = (to: string, pids: readonly number[]) => {
    for (const pid of pids) {
      try {
        write(to, "cgroup.procs", `${pid}`);
      } catch {
        // It ended meanwhile.
      }
    }
  };
  return {
    admit: (pids) => move(folder, pids),
    counts() {
      const stat = readFileSync(join(folder, "cpu.stat"), "utf8");
      const of = (word: string) => Number(new RegExp(`^${word} (\\d+)`, "m").exec(stat)?.[1] ?? 0);
      return { periods: of("nr_periods"), throttled: of("nr_throttled") };
    },
    remove() {
      const left = readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean);
      move(root, left.map(Number));
      try {
        rmdirSync(folder);
      } catch {
        // The next bench removes it.
      }
    },
  };
}

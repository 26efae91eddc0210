// cores.ts — the appliances on one core, clients and servers on the others: as where all are machines of their own.
import { cpus } from "node:os";
import { runCommand } from "@lbpair/common";
import { APPLIANCES, HOSTS, type HostName, type World } from "@lbpair/lab";

const pidsIn = async (world: World, name: HostName): Promise<string[]> => {
  const { stdout } = await runCommand(["ip", "netns", "pids", world.namespace(name)]);
  return stdout.split("\n").filter((pid) => pid !== "");
};

/** Every thread of a process; one that has ended meanwhile needs no core. */
async function pin(pids: readonly string[], list: string): Promise<void> {
  for (const pid of pids)
    await runCommand(["taskset", "--all-tasks", "--cpu-list", "--pid", list, pid]);
}

/**
 * Keeps the programs of both appliances on the first core, and servers, probes and this program on the others,
 * while the work lasts. What a daemon with real-time scheduling does in a switch takes its own
 * node's processor, never its clients'; on one core less than two nothing is moved.
 */
export async function onCoresApart<T>(world: World, work: () => Promise<T>): Promise<T> {
  const last = cpus().length - 1;
  if (last === 0) return work();
  const all = `0-${last}`;
  const isAppliance = (name: HostName) => (APPLIANCES as readonly string[]).includes(name);
  const place = async (own: string, others: string) => {
    for (const { name } of HOSTS)
      await pin(await pidsIn(world, name), isAppliance(name) ? own : others);
    // What this program starts from now on inherits its place.
    await pin([`${process.pid}`], others);
  };
  await place("0", last === 1 ? "1" : `1-${last}`);
  try {
    return await work();
  } finally {
    await place(all, all);
  }
}

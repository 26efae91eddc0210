// registry.ts — which labs exist, so that a lab left behind by a crash is cleared by the next start.
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Run, replaceFile } from "@lbpair/common";
import { destroyNetwork, labNamespaces } from "./network.js";
import { NAMESPACE_PREFIX } from "./plan.js";

export const REGISTRY_FOLDER = "/run/lbpair-lab";
const NETNS_ETC = "/etc/netns";

export interface LabRecord {
  readonly id: string;
  readonly pid: number;
  /** Start of that process in clock ticks after boot: a reused pid has another. */
  readonly pidStart: string;
  readonly folder: string;
  readonly controlSocket: string;
}

/** Field 22 of /proc/PID/stat, or undefined where there is no such process. */
export async function processStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The command name may hold spaces and parentheses; what follows its last ")" does not.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

const recordFile = (id: string): string => join(REGISTRY_FOLDER, `${id}.json`);

export async function recordLab(record: LabRecord): Promise<void> {
  await mkdir(REGISTRY_FOLDER, { recursive: true });
  await replaceFile(recordFile(record.id), `${JSON.stringify(record)}\n`);
}

export async function listLabs(): Promise<{ record: LabRecord; alive: boolean }[]> {
  const names = await readdir(REGISTRY_FOLDER).catch(() => [] as string[]);
  const labs: { record: LabRecord; alive: boolean }[] = [];
  for (const name of names.filter((entry) => entry.endsWith(".json"))) {
    const text = await readFile(join(REGISTRY_FOLDER, name), "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const record = JSON.parse(text) as LabRecord;
    labs.push({ record, alive: (await processStart(record.pid)) === record.pidStart });
  }
  return labs;
}

/** Removes everything a lab made, whether or not it is complete. */
export async function removeLab(run: Run, record: Pick<LabRecord, "id" | "folder">): Promise<void> {
  await destroyNetwork(run, record.id);
  const prefix = `${NAMESPACE_PREFIX}${record.id}-`;
  for (const name of await readdir(NETNS_ETC).catch(() => [] as string[])) {
    if (name.startsWith(prefix)) await rm(join(NETNS_ETC, name), { recursive: true, force: true });
  }
  await rm(record.folder, { recursive: true, force: true });
  await rm(recordFile(record.id), { force: true });
}

/** Removes the labs whose process is dead; answers with their ids. */
export async function removeDeadLabs(run: Run): Promise<string[]> {
  const dead = (await listLabs()).filter((lab) => !lab.alive);
  for (const { record } of dead) await removeLab(run, record);
  return dead.map((lab) => lab.record.id);
}

/** Whether namespaces of this lab exist already. */
export const isTaken = async (run: Run, labId: string): Promise<boolean> =>
  (await labNamespaces(run, `${NAMESPACE_PREFIX}${labId}-`)).length > 0;

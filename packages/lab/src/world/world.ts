// world.ts — the reference deployment, running: made whole, handed out as one object, always cleared away.
import { randomBytes } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Run, type RunResult, runCommand } from "@lbpair/common";
import { type Probe, startProbe } from "../probes/probe.js";
import type { ProbeKind, ProbeKinds } from "../probes/probe-kinds.js";
import { type Appliance, createAppliance, prepareAccounts, preparePrograms } from "./appliance.js";
import { appliancePathsIn, writeAppliances } from "./appliance-files.js";
import { type Cables, createCables } from "./cables.js";
import { type Cluster, createCluster } from "./cluster.js";
import { createNetwork } from "./network.js";
import {
  APPLIANCES,
  type ApplianceName,
  type ClusterName,
  type HostName,
  LAB_ID,
  namespaceOf,
} from "./plan.js";
import { isTaken, processStart, recordLab, removeDeadLabs, removeLab } from "./registry.js";
import { DEFAULT_SETTINGS, type LabSettings } from "./settings.js";
import { publicKey } from "./ssh-account.js";

export interface WorldOptions extends Partial<LabSettings> {
  /** Letters and digits; random where absent. */
  readonly id?: string;
}

export interface World {
  readonly id: string;
  readonly folder: string;
  readonly controlSocket: string;
  readonly settings: LabSettings;
  readonly appliances: Readonly<Record<ApplianceName, Appliance>>;
  readonly clusters: Readonly<Record<ClusterName, Cluster>>;
  readonly cables: Cables;
  namespace(host: HostName): string;
  /** Runs a command inside a host's namespace; bounded like every command. */
  exec(host: HostName, argv: readonly string[], options?: Parameters<Run>[1]): Promise<RunResult>;
  /** Runs the product's own command line on an appliance. */
  cli(
    name: ApplianceName,
    words: readonly string[],
    options?: Parameters<Run>[1],
  ): Promise<RunResult>;
  probe<K extends ProbeKind>(
    host: HostName,
    kind: K,
    options: ProbeKinds[K]["options"],
  ): Promise<Probe<K>>;
  /** Removes everything: processes, namespaces, files. May be called twice. */
  destroy(): Promise<void>;
}

export const CLI = fileURLToPath(new URL("../../../cli/dist/main.js", import.meta.url));

/** Starting Node alone takes seconds on a machine under load. */
const CLI_MS_MAX = 30_000;

/** The product's command line with the folders of one appliance. */
export function cliArgv(labFolder: string, name: ApplianceName): string[] {
  const { etc, state, run } = appliancePathsIn(labFolder, name);
  return [process.execPath, CLI, "--etc", etc, "--state", state, "--run", run];
}

export const newLabId = (): string => randomBytes(2).toString("hex");

async function makeFiles(
  run: Run,
  id: string,
  folder: string,
  settings: LabSettings,
): Promise<void> {
  const names = settings.paired ? APPLIANCES : APPLIANCES.slice(0, 1);
  await preparePrograms(folder);
  await writeAppliances(run, folder, names, settings);
  for (const name of names) {
    const peer = name === "lb1" ? "lb2" : "lb1";
    const key = settings.paired
      ? await publicKey(appliancePathsIn(folder, peer).replicationKeyFile)
      : undefined;
    await prepareAccounts(id, folder, name, key);
  }
}

/**
 * Makes namespaces, cables, files and clusters; the appliances are there but not powered on. Labs
 * whose process died are cleared away first.
 */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const run = runCommand;
  const { id = newLabId(), ...wishes } = options;
  if (!LAB_ID.test(id)) throw new Error(`lab id: want 1 to 12 letters and digits, got ${id}`);
  const settings: LabSettings = { ...DEFAULT_SETTINGS, ...wishes };
  await removeDeadLabs(run);
  if (await isTaken(run, id)) throw new Error(`lab id: want a free one, got ${id}`);
  const folder = join(tmpdir(), `lbpair-lab-${id}`);
  const controlSocket = join(folder, "lab.sock");
  const pidStart = (await processStart(process.pid)) ?? "";
  await recordLab({ id, pid: process.pid, pidStart, folder, controlSocket });
  const destroy = () => removeLab(run, { id, folder });
  try {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
    await createNetwork(run, id);
    await makeFiles(run, id, folder, settings);
    const clusters = {
      primary: createCluster(id, folder, "primary"),
      fallback: createCluster(id, folder, "fallback"),
    };
    await Promise.all([clusters.primary.start(), clusters.fallback.start()]);
    const appliances = {
      lb1: createAppliance(run, id, folder, "lb1"),
      lb2: createAppliance(run, id, folder, "lb2"),
    };
    return {
      id,
      folder,
      controlSocket,
      settings,
      appliances,
      clusters,
      cables: createCables(run, id),
      namespace: (host) => namespaceOf(id, host),
      exec: (host, argv, runOptions) =>
        run(["ip", "netns", "exec", namespaceOf(id, host), ...argv], runOptions),
      cli: (name, words, runOptions) =>
        run(["ip", "netns", "exec", namespaceOf(id, name), ...cliArgv(folder, name), ...words], {
          timeoutMs: CLI_MS_MAX,
          ...runOptions,
        }),
      probe: (host, kind, probeOptions) => startProbe(namespaceOf(id, host), kind, probeOptions),
      async destroy() {
        // The supervisors first, or they would start again what is being killed.
        await Promise.all(Object.values(appliances).map((appliance) => appliance.killAll()));
        await destroy();
      },
    };
  } catch (error) {
    await destroy();
    throw error;
  }
}

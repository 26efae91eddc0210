// appliance-files.ts — everything an appliance has on disk before its first start, the first revision included.
import { randomBytes } from "node:crypto";
import { chmod, copyFile, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type AppliancePaths,
  appliancePaths,
  contentHash,
  type Run,
  revisionName,
} from "@lbpair/common";
import type { ApplianceName } from "./plan.js";
import { applianceYaml, CHECK_SCRIPT, type LabSettings, servicesYaml } from "./settings.js";
import { makeKey, prepareRunFolder, publicKey, sshFolder, writeSshServer } from "./ssh-account.js";

/** The template that ships with the forwarder. */
const CHECK_TEMPLATE = fileURLToPath(
  new URL(`../../../common/templates/${CHECK_SCRIPT}`, import.meta.url),
);

export const applianceFolder = (labFolder: string, name: ApplianceName): string =>
  join(labFolder, name);

export function appliancePathsIn(labFolder: string, name: ApplianceName): AppliancePaths {
  const folder = applianceFolder(labFolder, name);
  return appliancePaths({
    etc: join(folder, "etc"),
    state: join(folder, "state"),
    run: join(folder, "run"),
  });
}

/** The contents that make a revision, by their names below the configuration folder. */
async function revisionFiles(paths: AppliancePaths): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  files.set("services.yaml", await readFile(paths.servicesFile, "utf8"));
  const script = join(paths.healthChecks, CHECK_SCRIPT);
  files.set(`health-checks/${CHECK_SCRIPT}`, await readFile(script, "utf8"));
  return files;
}

/**
 * Makes the candidate the revision in force, as `lbpair apply` would, so that the daemons can start
 * before anybody applied anything.
 */
export async function installFirstRevision(paths: AppliancePaths): Promise<void> {
  const files = await revisionFiles(paths);
  const id = { serial: 1, hash: contentHash(files) };
  const folder = join(paths.revisions, revisionName(id));
  for (const [name, content] of files) {
    const file = join(folder, name);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, content, { mode: name.startsWith("health-checks/") ? 0o755 : 0o644 });
  }
  // Both nodes must have the same file, so nothing of the moment or of the node is in it.
  const record = { ...id, author: "lb1", at: new Date(0).toISOString(), reason: "first revision" };
  await writeFile(join(folder, "revision.json"), `${JSON.stringify(record)}\n`);
  const link = `${paths.running}.new`;
  await symlink(join("revisions", revisionName(id)), link);
  await rename(link, paths.running);
}

async function writeAppliance(
  run: Run,
  labFolder: string,
  name: ApplianceName,
  settings: LabSettings,
): Promise<void> {
  const paths = appliancePathsIn(labFolder, name);
  for (const folder of [paths.etc, paths.healthChecks, paths.state]) {
    await mkdir(folder, { recursive: true, mode: 0o755 });
  }
  await mkdir(paths.secrets, { recursive: true, mode: 0o700 });
  await mkdir(join(applianceFolder(labFolder, name), "log"), { recursive: true });
  await prepareRunFolder(paths.run);
  await writeFile(paths.servicesFile, servicesYaml(settings));
  await copyFile(CHECK_TEMPLATE, join(paths.healthChecks, CHECK_SCRIPT));
  await chmod(join(paths.healthChecks, CHECK_SCRIPT), 0o755);
  await writeFile(paths.applianceFile, applianceYaml(name, settings.paired));
  await makeKey(run, paths.replicationKeyFile, `${name} replication`);
  await writeSshServer(run, sshFolder(applianceFolder(labFolder, name)), name);
  await installFirstRevision(paths);
}

/** Files of both appliances; pairing exchanges the heartbeat key and the SSH host keys. */
export async function writeAppliances(
  run: Run,
  labFolder: string,
  names: readonly ApplianceName[],
  settings: LabSettings,
): Promise<void> {
  await Promise.all(names.map((name) => writeAppliance(run, labFolder, name, settings)));
  if (!settings.paired) return;
  const heartbeatKey = `${randomBytes(32).toString("hex")}\n`;
  for (const name of names) {
    const peer = name === "lb1" ? "lb2" : "lb1";
    const paths = appliancePathsIn(labFolder, name);
    await writeFile(paths.heartbeatKeyFile, heartbeatKey, { mode: 0o600 });
    const peerHostKey = await publicKey(sshFolder(applianceFolder(labFolder, peer)).hostKey);
    await writeFile(paths.peerHostKeyFile, `${peerHostKey}\n`, { mode: 0o600 });
  }
}

// kept-files.ts — unsaved work that a revision from the peer would overwrite is put beside, never lost.
import { access, mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type AppliancePaths, readTextFile, replaceFile, syncFolder } from "@lbpair/common";
import type { ServiceFiles } from "./core/service-files.js";
import { replaceIfDifferent } from "./revision-store.js";

const KEPT_TRIES_MAX = 1000;

/** The path, or the first of `path-2`, `path-3` … that nothing has: kept work is never overwritten. */
export async function freeName(path: string): Promise<string> {
  for (let i = 1; i <= KEPT_TRIES_MAX; i += 1) {
    const name = i === 1 ? path : `${path}-${i}`;
    const taken = await access(name).then(
      () => true,
      () => false,
    );
    if (!taken) return name;
  }
  throw new Error(`${path}: ${KEPT_TRIES_MAX} kept files of this name; clear some away`);
}

/** Puts the candidate beside, as it is on the disk, whatever it is. Returns the paths it has now. */
export async function keepCandidate(paths: AppliancePaths, serial: number): Promise<string[]> {
  const kept: string[] = [];
  for (const path of [paths.servicesFile, paths.healthChecks]) {
    const beside = await freeName(`${path}.kept-${serial}`);
    const moved = await rename(path, beside).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return false;
        throw error;
      },
    );
    if (moved) kept.push(beside);
  }
  return kept;
}

/** Makes the candidate equal to a revision, touching only what differs. */
export async function writeCandidate(paths: AppliancePaths, files: ServiceFiles): Promise<void> {
  await mkdir(paths.healthChecks, { recursive: true, mode: 0o755 });
  await replaceIfDifferent(paths.servicesFile, files.services, 0o644);
  const wanted = new Set<string>();
  for (const [name, text] of files.scripts) {
    wanted.add(basename(name));
    const path = join(paths.etc, name);
    if ((await readTextFile(path).catch(() => undefined)) !== text) {
      await replaceFile(path, text, { mode: 0o755 });
    }
  }
  for (const name of await readdir(paths.healthChecks)) {
    // Hidden files and editors' backups were never part of the candidate.
    if (wanted.has(name) || name.startsWith(".") || name.endsWith("~")) continue;
    await rm(join(paths.healthChecks, name), { recursive: true, force: true });
  }
  await syncFolder(paths.healthChecks);
  await syncFolder(dirname(paths.servicesFile));
}

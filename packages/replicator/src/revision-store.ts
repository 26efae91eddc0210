// revision-store.ts — revisions on this disk: staged beside, made the one in force by one rename.
//
// A power cut at any moment leaves the old revision or the new one in force, whole: files are synced
// before their folder is renamed into `revisions/`, and that before the link `running` is replaced.
import { mkdir, open, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import {
  type AppliancePaths,
  type RevisionId,
  type RevisionRecord,
  readTextFile,
  replaceFile,
  revisionName,
  syncFolder,
} from "@lbpair/common";
import { hashOf, NO_FILES, type ServiceFiles } from "./core/service-files.js";
import { readServiceFiles } from "./files-on-disk.js";

/** Revisions kept besides the one in force, newest first. */
export const REVISIONS_KEPT_MAX = 20;

export interface InForce {
  readonly record: RevisionRecord | null;
  readonly files: ServiceFiles;
  /** Whether the files have the hash that the record claims; false where somebody edited them. */
  readonly intact: boolean;
}

export interface RevisionStore {
  /** Clears away what a crash left half done. */
  clean(): Promise<void>;
  inForce(): Promise<InForce>;
  /** Writes a revision beside, not in force. Throws where the disk will not take it; leaves nothing. */
  stage(files: ServiceFiles, record: RevisionRecord): Promise<void>;
  isStaged(id: RevisionId): Promise<boolean>;
  unstage(): Promise<void>;
  /** Makes the staged revision the one in force; returns the target `running` had, for `restore`. */
  commit(id: RevisionId): Promise<string | undefined>;
  /** Puts the former revision back in force; undefined = nothing was. */
  restore(target: string | undefined): Promise<void>;
  /** Hashes of everything kept: a saved file with one of these is nobody's unsaved work. */
  knownHashes(): Promise<ReadonlySet<string>>;
}

async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeRevision(
  folder: string,
  files: ServiceFiles,
  record: RevisionRecord,
): Promise<void> {
  await mkdir(join(folder, "health-checks"), { recursive: true, mode: 0o755 });
  await writeSynced(join(folder, "services.yaml"), files.services, 0o644);
  for (const [name, text] of files.scripts) await writeSynced(join(folder, name), text, 0o755);
  const text = `${JSON.stringify(record, undefined, 2)}\n`;
  await writeSynced(join(folder, "revision.json"), text, 0o644);
  await syncFolder(join(folder, "health-checks"));
  await syncFolder(folder);
}

async function swapLink(paths: AppliancePaths, target: string): Promise<void> {
  const beside = `${paths.running}.new`;
  await rm(beside, { force: true });
  await symlink(target, beside);
  await rename(beside, paths.running);
  await syncFolder(paths.state);
}

const linkTarget = (path: string): Promise<string | undefined> =>
  readlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });

const serialOf = (name: string): number => Number(name.split("-")[0]);

/** Old ones go; never the one in force nor the one before it. */
async function prune(
  paths: AppliancePaths,
  spared: readonly (string | undefined)[],
): Promise<void> {
  const names = await readdir(paths.revisions);
  const old = names
    .sort((a, b) => serialOf(b) - serialOf(a))
    .slice(REVISIONS_KEPT_MAX)
    .filter((name) => !spared.includes(join("revisions", name)));
  for (const name of old) await rm(join(paths.revisions, name), { recursive: true, force: true });
}

/** Undefined where somebody made it unreadable: then nothing can be said to be in force. */
function parseRecord(text: string): RevisionRecord | undefined {
  try {
    const record = JSON.parse(text) as RevisionRecord;
    const right = Number.isSafeInteger(record.serial) && typeof record.hash === "string";
    return right ? record : undefined;
  } catch {
    return undefined;
  }
}

async function readInForce(paths: AppliancePaths): Promise<InForce> {
  const text = await readTextFile(paths.runningRevisionFile);
  if (text === undefined) return { record: null, files: NO_FILES, intact: true };
  const record = parseRecord(text);
  if (record === undefined) return { record: null, files: NO_FILES, intact: false };
  const read = await readServiceFiles(paths.running);
  if (!read.ok) return { record, files: NO_FILES, intact: false };
  return { record, files: read.value, intact: hashOf(read.value) === record.hash };
}

export function createRevisionStore(paths: AppliancePaths): RevisionStore {
  const stagedAt = (id: RevisionId) => join(paths.staging, revisionName(id));
  const unstage = () => rm(paths.staging, { recursive: true, force: true });
  return {
    async clean() {
      await unstage();
      await rm(`${paths.running}.new`, { force: true });
      await mkdir(paths.revisions, { recursive: true });
    },
    inForce: () => readInForce(paths),
    async stage(files, record) {
      await unstage();
      try {
        await mkdir(paths.staging, { recursive: true, mode: 0o755 });
        await writeRevision(stagedAt(record), files, record);
      } catch (error) {
        await unstage();
        throw error;
      }
    },
    isStaged: async (id) => (await readTextFile(join(stagedAt(id), "revision.json"))) !== undefined,
    unstage,
    async commit(id) {
      const before = await linkTarget(paths.running);
      await mkdir(paths.revisions, { recursive: true });
      // A repair stages what is in force already. The folder in force stays where it is until the
      // link has left it, so the copy gets another name.
      const name = revisionName(id);
      const taken = before === join("revisions", name);
      const folder = taken ? `${name}+repaired` : name;
      const target = join("revisions", folder);
      await rm(join(paths.revisions, folder), { recursive: true, force: true });
      await rename(stagedAt(id), join(paths.revisions, folder));
      await syncFolder(paths.revisions);
      await swapLink(paths, target);
      await unstage();
      await prune(paths, [target, before]);
      return before;
    },
    async restore(target) {
      if (target === undefined) {
        await rm(paths.running, { force: true });
        await syncFolder(paths.state);
      } else await swapLink(paths, target);
    },
    async knownHashes() {
      const names = await readdir(paths.revisions).catch(() => []);
      return new Set(names.map((name) => /^\d+-([0-9a-f]+)/.exec(name)?.[1] ?? ""));
    },
  };
}

/** Writes files as if they had been applied, for setting up an appliance before its daemons start. */
export async function installRevision(
  paths: AppliancePaths,
  files: ServiceFiles,
  record: RevisionRecord,
): Promise<void> {
  const store = createRevisionStore(paths);
  await mkdir(paths.state, { recursive: true });
  await store.clean();
  await store.stage(files, record);
  await store.commit(record);
}

/** Replaces a file only where its content differs; true where it did. */
export async function replaceIfDifferent(
  path: string,
  text: string,
  mode: number,
): Promise<boolean> {
  if ((await readTextFile(path).catch(() => undefined)) === text) return false;
  await replaceFile(path, text, { mode });
  return true;
}

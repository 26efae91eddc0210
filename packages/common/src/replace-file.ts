// replace-file.ts — a file is the old one or the new one, whole, also after a power cut.
import { access, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

let counter = 0;

/**
 * Writes `content` beside `path`, syncs it, and renames it into place; then syncs the folder so
 * that the rename itself lasts. Errors name both paths and leave the old file as it was.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<void> {
  counter += 1;
  const temporary = `${path}.new-${process.pid}-${counter}`;
  try {
    // Left by a process of the same pid, as a container's always is, that died in here.
    await rm(temporary, { force: true });
    const file = await open(temporary, "wx", options.mode ?? 0o644);
    try {
      if (options.mode !== undefined) await file.chmod(options.mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot replace ${path} by ${temporary}: ${why}`, { cause: error });
  }
  await syncFolder(dirname(path));
}

/** Makes renames and removals inside a folder last. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes a folder that is missing. One that is there is left alone: on a frozen disk mkdir(2) of it would hang. */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await access(path);
  } catch {
    await mkdir(path, { recursive: true });
  }
}

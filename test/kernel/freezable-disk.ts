// freezable-disk.ts — a real file system that can be made to hang: every write waits in the kernel, as on a dead disk.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, ftruncateSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

const DISK_BYTES = 32 * 1024 * 1024;

/**
 * The guard outlives the test by one line: when its input ends, also because the test was killed, it
 * thaws and unmounts. A file system left frozen would hold every process that ever wrote to it.
 */
const GUARD = `
trap "" TERM INT HUP
mount -o loop "$1" "$2" && echo ready || exit 1
while read -r word; do fsfreeze "$word" "$2" 2>/dev/null; echo done; done
fsfreeze --unfreeze "$2" 2>/dev/null
umount -l "$2"
`;

export class FreezableDisk {
  private readonly guard: ChildProcess;

  private constructor(guard: ChildProcess) {
    this.guard = guard;
  }

  /** An ext4 of its own on a loop device, mounted at \`at\`. Throws Error where the machine cannot. */
  static async mount(folder: string, at: string): Promise<FreezableDisk> {
    const image = join(folder, "disk.img");
    const file = openSync(image, "w");
    ftruncateSync(file, DISK_BYTES);
    closeSync(file);
    mkdirSync(at, { recursive: true });
    execFileSync("mkfs.ext4", ["-q", "-F", image], { stdio: "pipe" });
    const guard = spawn("bash", ["-c", GUARD, "guard", image, at], {
      stdio: ["pipe", "pipe", "inherit"],
      detached: true,
    });
    const disk = new FreezableDisk(guard);
    await disk.answer();
    return disk;
  }

  private async answer(): Promise<void> {
    const { stdout } = this.guard;
    if (stdout === null) throw new Error("the guard has no output");
    const answered = new AbortController();
    const { signal } = answered;
    const ended = once(this.guard, "exit", { signal }).then(() => {
      throw new Error("the disk's guard ended");
    });
    try {
      await Promise.race([once(stdout, "data", { signal }), ended]);
    } finally {
      ended.catch(() => undefined);
      answered.abort();
    }
  }

  private async order(word: string): Promise<void> {
    const answered = this.answer();
    this.guard.stdin?.write(`${word}\n`);
    await answered;
  }

  /** From now on writes, syncs and new files hang; what is there can be read. */
  freeze(): Promise<void> {
    return this.order("--freeze");
  }

  thaw(): Promise<void> {
    return this.order("--unfreeze");
  }

  async unmount(): Promise<void> {
    const ended = once(this.guard, "exit");
    this.guard.stdin?.end();
    await ended;
  }
}

/** Why no such disk can be had here; undefined where it can. */
export function noFreezableDisk(): string | undefined {
  for (const command of ["mkfs.ext4", "fsfreeze", "mount"]) {
    try {
      execFileSync("which", [command], { stdio: "pipe" });
    } catch {
      return `needs ${command}`;
    }
  }
  try {
    execFileSync("losetup", ["--find"], { stdio: "pipe" });
    return undefined;
  } catch {
    return "needs a loop device";
  }
}

// memory-file.ts — keeps the memory on disk: read once at start, written behind everybody's back.
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { replaceFile } from "@lbpair/common";

/** Larger than the memory of the largest configuration; what is larger is not ours. */
export const MEMORY_BYTES_MAX = 64 * 1024 * 1024;

export interface MemoryFile {
  /** Content; undefined where there is none yet. Throws where it cannot be read. */
  read(): string | undefined;
  /** Resolves when this content, or newer, is on disk, or could not be written; never rejects. */
  write(content: () => string): Promise<void>;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
}

export function createMemoryFile(path: string, onError: (error: Error) => void): MemoryFile {
  let wanted: (() => string) | undefined;
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const writeOnce = async (): Promise<void> => {
    const content = wanted;
    wanted = undefined;
    if (content === undefined) return;
    try {
      await replaceFile(path, content(), { mode: 0o600 });
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const begin = (): Promise<void> => {
    writing = writeOnce().finally(() => {
      writing = undefined;
    });
    return writing;
  };

  return {
    read() {
      // At start, before anything waits for the loop.
      mkdirSync(dirname(path), { recursive: true });
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size === undefined) return undefined;
      if (size > MEMORY_BYTES_MAX) throw new Error(`${path} has ${size} bytes`);
      return readFileSync(path, "utf8");
    },
    write(content) {
      wanted = content;
      if (writing === undefined) return begin();
      // Whatever changes while a write is under way goes into one write after it.
      next ??= writing.then(() => {
        next = undefined;
        return begin();
      });
      return next;
    },
    idle: async () => {
      while (writing !== undefined || next !== undefined) await (next ?? writing);
    },
  };
}

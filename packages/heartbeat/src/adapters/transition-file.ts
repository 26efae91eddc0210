// transition-file.ts — the records of this node's transitions on disk: one line each, bounded, written behind.
import { appendFile, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  ensureFolder,
  isTransition,
  replaceFile,
  type TransitionRecord,
} from "@lbpair/common/light";

/** Records remembered; the oldest leave first. */
export const TRANSITIONS_KEPT_MAX = 100;
/** The file is written anew with the records kept once it is longer. */
export const TRANSITIONS_FILE_BYTES_MAX = 2 * 1024 * 1024;
/** A file that somebody else made long is read to here only. */
const READ_BYTES_MAX = 4 * TRANSITIONS_FILE_BYTES_MAX;
/** A transition grows while it happens: what comes within this becomes one line. */
const GATHER_MS = 250;

export interface TransitionFile {
  /** The latest first. */
  latest(limit: number): TransitionRecord[];
  /** Returns at once; a record of the same `seq` replaces the one before. */
  write(record: TransitionRecord): void;
  readonly nextSeq: number;
  /** For an orderly end: resolves when what was written last is on disk, or has failed. */
  close(): Promise<void>;
}

/** Lines that can be understood, the later of two with the same number. A cut last line is left out. */
export function readTransitions(text: string): Map<number, TransitionRecord> {
  const found = new Map<number, TransitionRecord>();
  for (const line of text.split("\n")) {
    try {
      const record: unknown = JSON.parse(line);
      if (isTransition(record)) found.set(record.seq, record);
    } catch {
      // A line cut by a power loss; the others are still good.
    }
  }
  const kept = [...found.keys()].sort((a, b) => a - b).slice(-TRANSITIONS_KEPT_MAX);
  return new Map(kept.flatMap((seq) => entry(found, seq)));
}

const entry = (from: ReadonlyMap<number, TransitionRecord>, seq: number) => {
  const record = from.get(seq);
  return record === undefined ? [] : [[seq, record] as const];
};

/** Opens the file; one that cannot be read or written is told, and the heartbeat goes on without. */
export async function openTransitionFile(
  file: string,
  options: {
    readonly onProblem: (text: string) => void;
    /** For tests: a disk of another kind. */
    readonly append?: (file: string, text: string) => Promise<void>;
    readonly replace?: (file: string, text: string) => Promise<void>;
  },
): Promise<TransitionFile> {
  const { onProblem, append = appendFile, replace = replaceFile } = options;
  let text = "";
  try {
    await ensureFolder(dirname(file));
    text = (await readFile(file, "utf8")).slice(-READ_BYTES_MAX);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") onProblem(messageOf(error));
  }
  const records = readTransitions(text);
  let bytes = Buffer.byteLength(text);
  // A last line that was cut must not swallow the next one.
  let cut = text !== "" && !text.endsWith("\n");
  const waiting = new Map<number, TransitionRecord>();
  let writing: Promise<void> | undefined;
  let told = "";

  const lineOf = (record: TransitionRecord): string => `${JSON.stringify(record)}\n`;
  const writeBatch = async (batch: readonly TransitionRecord[]): Promise<void> => {
    const lines = (cut ? "\n" : "") + batch.map(lineOf).join("");
    if (bytes + lines.length > TRANSITIONS_FILE_BYTES_MAX) {
      const whole = [...records.values()].map(lineOf).join("");
      await replace(file, whole);
      bytes = Buffer.byteLength(whole);
    } else {
      await append(file, lines);
      bytes += Buffer.byteLength(lines);
    }
    cut = false;
  };
  let hurry = (): void => undefined;
  const gather = (): Promise<void> =>
    new Promise((resume) => {
      const timer = setTimeout(resume, GATHER_MS);
      hurry = () => {
        clearTimeout(timer);
        resume();
      };
    });
  const writeAll = async (): Promise<void> => {
    while (waiting.size > 0) {
      await gather();
      const batch = [...waiting.values()];
      waiting.clear();
      try {
        await writeBatch(batch);
        told = "";
      } catch (error) {
        const why = messageOf(error);
        if (why !== told) onProblem(why);
        told = why;
        cut = true;
      }
    }
    writing = undefined;
  };
  return {
    latest: (limit) => [...records.values()].sort((a, b) => b.seq - a.seq).slice(0, limit),
    write(record) {
      records.set(record.seq, record);
      for (const seq of [...records.keys()].sort((a, b) => a - b).slice(0, -TRANSITIONS_KEPT_MAX)) {
        records.delete(seq);
        waiting.delete(seq);
      }
      waiting.set(record.seq, record);
      writing ??= writeAll();
    },
    get nextSeq() {
      return Math.max(0, ...records.keys()) + 1;
    },
    close() {
      hurry();
      return writing ?? Promise.resolve();
    },
  };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

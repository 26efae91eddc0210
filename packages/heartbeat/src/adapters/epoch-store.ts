// epoch-store.ts — what a heartbeat remembers across its own restarts; nothing ever waits for the disk.
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { replaceFile } from "@lbpair/common";

export interface HeartbeatMemory {
  /** Epoch of this node's last claim. */
  readonly epoch: number;
  /** Highest epoch ever seen, its own included. */
  readonly highestEpoch: number;
  /** Boot in which it was written: a lease of an earlier boot is none. */
  readonly bootId: string;
  readonly active: boolean;
  /** One sentence, for people. */
  readonly because?: string;
}

export interface RememberedMemory extends HeartbeatMemory {
  /**
   * No claim that was not yet on disk can have been higher: a node that does not adopt starts from
   * here, so it never claims an epoch twice.
   */
  readonly reservedEpoch: number;
}

export interface EpochStore {
  /** Null where there is none; what cannot be understood is told in `problem` and treated as none. */
  read(): Promise<{ readonly memory: RememberedMemory | null; readonly problem: string | null }>;
  /** Returns at once. While a write is under way the newest waits, the others are forgotten. */
  remember(memory: HeartbeatMemory): void;
  /** For an orderly end: resolves when what was remembered last is on disk, or failed. */
  settled(): Promise<void>;
}

/** Epochs that may be claimed between two writes; each restart without adoption may skip as many. */
export const EPOCHS_RESERVED = 100;
const MEMORY_BYTES_MAX = 4096;

function epochOf(value: unknown, key: string): number {
  const epoch = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(epoch)) throw new Error(`${key}: want an epoch, got ${String(value)}`);
  return epoch;
}

/** Epochs are decimal strings in the file, so that no reader rounds them. Throws Error. */
export function parseMemory(text: string): RememberedMemory {
  if (text.length > MEMORY_BYTES_MAX) throw new Error("too large for a memory");
  const read = JSON.parse(text) as Record<string, unknown> | null;
  if (read === null || typeof read !== "object") throw new Error("want an object");
  const { bootId, condition, because } = read;
  if (typeof bootId !== "string" || bootId === "") throw new Error("bootId: want a boot's id");
  if (condition !== "active" && condition !== "passive") {
    throw new Error(`condition: want active or passive, got ${String(condition)}`);
  }
  const highestEpoch = epochOf(read["highestEpoch"], "highestEpoch");
  return {
    epoch: epochOf(read["epoch"], "epoch"),
    highestEpoch,
    reservedEpoch: Math.max(highestEpoch, epochOf(read["reservedEpoch"], "reservedEpoch")),
    bootId,
    active: condition === "active",
    ...(typeof because === "string" ? { because } : {}),
  };
}

export function formatMemory(memory: HeartbeatMemory): string {
  const { epoch, highestEpoch, bootId, active, because } = memory;
  const written = {
    epoch: String(epoch),
    highestEpoch: String(highestEpoch),
    reservedEpoch: String(highestEpoch + EPOCHS_RESERVED),
    bootId,
    condition: active ? "active" : "passive",
    because: because ?? "",
  };
  return `${JSON.stringify(written, null, 2)}\n`;
}

export function createEpochStore(options: {
  readonly file: string;
  readonly onError: (error: unknown) => void;
  /** Default: common's replaceFile, after making the folder. */
  readonly write?: (file: string, text: string) => Promise<void>;
}): EpochStore {
  const { file, onError } = options;
  const write =
    options.write ??
    (async (to: string, text: string) => {
      await mkdir(dirname(to), { recursive: true });
      await replaceFile(to, text);
    });
  let waiting: string | undefined;
  let writing: Promise<void> | undefined;

  const writeAll = async (): Promise<void> => {
    for (let text = waiting; text !== undefined; text = waiting) {
      waiting = undefined;
      try {
        await write(file, text);
      } catch (error) {
        onError(error);
      }
    }
    writing = undefined;
  };
  return {
    async read() {
      try {
        return { memory: parseMemory(await readFile(file, "utf8")), problem: null };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT")
          return { memory: null, problem: null };
        const why = error instanceof Error ? error.message : String(error);
        return { memory: null, problem: `${file} is not understood and left aside: ${why}` };
      }
    },
    remember(memory) {
      waiting = formatMemory(memory);
      writing ??= writeAll();
    },
    settled: () => writing ?? Promise.resolve(),
  };
}

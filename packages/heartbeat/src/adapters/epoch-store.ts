// epoch-store.ts — what a heartbeat remembers across its own restarts; nothing ever waits for the disk.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "@lbpair/common/light";
import type { FlapAges } from "../core/flap-governor.js";

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
  /** MACs that the peer has advertised, so that a run which never heard it knows its answers. */
  readonly peerMacs?: readonly string[];
  /** Until when auto-failback must not undo an operator's order, in this boot's monotonic milliseconds. */
  readonly failbackHeldUntil?: number;
  /** Moves of the role by health; `atMs` is the monotonic clock of the same boot when it was written. */
  readonly flaps?: RememberedFlaps;
}

export interface RememberedFlaps extends FlapAges {
  readonly atMs: number;
}

export interface RememberedMemory extends HeartbeatMemory {
  /**
   * No claim that was not yet on disk can have been higher: a node that does not adopt starts from
   * here, so it never claims an epoch twice.
   */
  readonly reservedEpoch: number;
}

export interface MemoryStore {
  /** What was found at the start; null where nothing was, or nothing that could be understood. */
  readonly memory: RememberedMemory | null;
  /** Returns at once. While a write is under way the newest waits, the others are forgotten. */
  write(memory: HeartbeatMemory): void;
  /** Resolves when what was written last is on disk, or has failed. */
  settled(): Promise<void>;
}

/** Epochs that may be claimed between two writes; each restart without adoption may skip as many. */
export const EPOCHS_RESERVED = 100;
const MEMORY_BYTES_MAX = 4096;
/** What nft or `ip` said may be in it, and could make the file too large to be read again. */
const BECAUSE_LENGTH = 500;

function epochOf(value: unknown, key: string): number {
  const epoch = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(epoch)) throw new Error(`${key}: want an epoch, got ${String(value)}`);
  return epoch;
}

const isMac = (value: unknown): value is string =>
  typeof value === "string" && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(value);

const isTime = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;

/** Undefined where nothing was written, as by an older release, or nothing that could be understood. */
function flapsOf(value: unknown): RememberedFlaps | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { agesMs, held, atMs } = value as Record<string, unknown>;
  if (!Array.isArray(agesMs) || !agesMs.every(isTime) || !isTime(atMs)) return undefined;
  return { agesMs, held: held === true, atMs };
}

/** Epochs are decimal strings in the file, so that no reader rounds them. Throws Error. */
export function parseMemory(text: string): RememberedMemory {
  if (text.length > MEMORY_BYTES_MAX) throw new Error("too large for a memory");
  const read = JSON.parse(text) as Record<string, unknown> | null;
  if (read === null || typeof read !== "object") throw new Error("want an object");
  const { bootId, condition, because, peerMacs, failbackHeldUntil } = read;
  if (typeof bootId !== "string" || bootId === "") throw new Error("bootId: want a boot's id");
  if (condition !== "active" && condition !== "passive") {
    throw new Error(`condition: want active or passive, got ${String(condition)}`);
  }
  const highestEpoch = epochOf(read.highestEpoch, "highestEpoch");
  const flaps = flapsOf(read.flaps);
  return {
    epoch: epochOf(read.epoch, "epoch"),
    highestEpoch,
    reservedEpoch: Math.max(highestEpoch, epochOf(read.reservedEpoch, "reservedEpoch")),
    bootId,
    active: condition === "active",
    ...(typeof because === "string" ? { because } : {}),
    ...(Array.isArray(peerMacs) ? { peerMacs: peerMacs.filter(isMac) } : {}),
    ...(flaps === undefined ? {} : { flaps }),
    ...(typeof failbackHeldUntil === "number" ? { failbackHeldUntil } : {}),
  };
}

export function formatMemory(memory: HeartbeatMemory): string {
  const { epoch, highestEpoch, bootId, active, because, peerMacs, flaps, failbackHeldUntil } =
    memory;
  const written = {
    epoch: String(epoch),
    highestEpoch: String(highestEpoch),
    reservedEpoch: String(Math.min(highestEpoch + EPOCHS_RESERVED, Number.MAX_SAFE_INTEGER)),
    bootId,
    condition: active ? "active" : "passive",
    because: (because ?? "").slice(0, BECAUSE_LENGTH),
    ...(peerMacs === undefined || peerMacs.length === 0 ? {} : { peerMacs }),
    ...(flaps === undefined || flaps.agesMs.length === 0 ? {} : { flaps }),
    ...(failbackHeldUntil === undefined ? {} : { failbackHeldUntil }),
  };
  return `${JSON.stringify(written, null, 2)}\n`;
}

async function readMemory(
  file: string,
  onProblem: (text: string) => void,
): Promise<RememberedMemory | null> {
  try {
    return parseMemory(await readFile(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    onProblem(`${file} is not understood and left aside: ${messageOf(error)}`);
    return null;
  }
}

/**
 * Opens `memory.json` of a folder. A memory that cannot be read or written is told through
 * `onProblem`, and the heartbeat goes on without: a broken disk must not take the pair down.
 */
export async function openMemoryStore(
  folder: string,
  options: {
    readonly onProblem: (text: string) => void;
    /** Default: common's replaceFile; for tests. */
    readonly replace?: (file: string, text: string) => Promise<void>;
  },
): Promise<MemoryStore> {
  const { onProblem, replace = replaceFile } = options;
  const file = join(folder, "memory.json");
  const memory = await readMemory(file, onProblem);
  let waiting: string | undefined;
  let writing: Promise<void> | undefined;

  const writeAll = async (): Promise<void> => {
    for (let text = waiting; text !== undefined; text = waiting) {
      waiting = undefined;
      try {
        await replace(file, text);
      } catch (error) {
        onProblem(messageOf(error));
      }
    }
    writing = undefined;
  };
  return {
    memory,
    write(newest) {
      waiting = formatMemory(newest);
      writing ??= writeAll();
    },
    settled: () => writing ?? Promise.resolve(),
  };
}

/** This boot's id; two processes with the same one live in the same boot. */
export const readBootId = (): string =>
  readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

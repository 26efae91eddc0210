// result-record.ts — wiring: the last day's results in memory and, every few minutes, on disk.

import { createMemoryFile } from "./memory-file.js";
import { ResultRuns } from "./result-runs.js";
import type { CheckTarget } from "./types.js";

/** A daemon that is killed forgets so much of the record, and nothing else. */
const KEEP_EVERY_MS = 5 * 60_000;

export interface ResultRecord {
  /** `tookMs`: since the check began. */
  add(target: CheckTarget, passed: boolean, tookMs: number): void;
  keep(targets: readonly CheckTarget[]): void;
  runs(): ResultRuns;
  /** Writes what is not on disk yet. */
  stop(): Promise<void>;
}

export function createResultRecord(
  path: string,
  wall: () => number,
  onError: (error: Error) => void,
): ResultRecord {
  const file = createMemoryFile(path, onError);
  let dirty = false;
  const read = (): ResultRuns => {
    try {
      return ResultRuns.decode(file.read() ?? "", wall());
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
      return new ResultRuns();
    }
  };
  const runs = read();
  const write = async (): Promise<void> => {
    if (!dirty) return;
    dirty = false;
    await file.write(() => runs.encode());
  };
  const timer = setInterval(() => void write(), KEEP_EVERY_MS);
  timer.unref();
  return {
    add({ id, check }, passed, tookMs) {
      if (check.type === "on" || check.type === "off") return;
      const { interval, failingInterval = interval } = check;
      runs.add(id, passed, Math.round(wall() - tookMs), {
        interval: Math.max(interval, failingInterval),
      });
      dirty = true;
    },
    keep: (targets) => runs.keep(new Set(targets.map(({ id }) => id))),
    runs: () => runs,
    async stop() {
      clearInterval(timer);
      await write();
    },
  };
}

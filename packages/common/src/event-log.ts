// event-log.ts — what happened: the last events in memory, all of them in a bounded file.
import { appendFile, mkdir, readFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Daemon } from "./paths.js";
import type { EventRecord } from "./status.js";

export const EVENTS_KEPT_MAX = 1000;
/** The file is renamed to `.1` past this size; one older file is kept. */
export const EVENTS_FILE_BYTES_MAX = 2 * 1024 * 1024;
/** Lines waiting for a disk that hangs; more are kept in memory only. */
export const EVENTS_WAITING_MAX = 5000;

export interface EventLog {
  record(
    level: EventRecord["level"],
    event: string,
    text: string,
    facts?: Readonly<Record<string, unknown>>,
  ): void;
  after(seq: number): EventRecord[];
  follow(listener: (record: EventRecord) => void): () => void;
  /** Resolves when everything recorded so far is on its way to the disk; for shutdown only. */
  close(): Promise<void>;
}

export interface EventLogOptions {
  readonly node: string;
  readonly daemon: Daemon;
  readonly file: string;
  readonly wall: () => Date;
  /** Where a disk error is told; once per kind. */
  readonly onDiskError?: (error: Error) => void;
}

async function readBack(file: string): Promise<EventRecord[]> {
  const records: EventRecord[] = [];
  for (const name of [`${file}.1`, file]) {
    const text = await readFile(name, "utf8").catch(() => "");
    for (const line of text.split("\n").slice(-EVENTS_KEPT_MAX)) {
      try {
        if (line !== "") records.push(JSON.parse(line) as EventRecord);
      } catch {
        // A line cut by a power loss; the others are still good.
      }
    }
  }
  return records.slice(-EVENTS_KEPT_MAX);
}

/** Recording never waits: lines go to the disk behind the caller's back, in order. */
export async function createEventLog(options: EventLogOptions): Promise<EventLog> {
  await mkdir(dirname(options.file), { recursive: true });
  let kept = await readBack(options.file);
  let seq = kept.at(-1)?.seq ?? 0;
  let waiting: string[] = [];
  let writing: Promise<void> | undefined;
  const listeners = new Set<(record: EventRecord) => void>();

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      try {
        const size = await stat(options.file).then(
          (s) => s.size,
          () => 0,
        );
        if (size > EVENTS_FILE_BYTES_MAX) await rename(options.file, `${options.file}.1`);
        await appendFile(options.file, lines.join(""));
      } catch (error) {
        options.onDiskError?.(error instanceof Error ? error : new Error(String(error)));
      }
    }
    writing = undefined;
  };

  return {
    record(level, event, text, facts = {}) {
      seq += 1;
      const { node, daemon } = options;
      const at = options.wall().toISOString();
      const record: EventRecord = { seq, at, node, daemon, level, event, text, facts };
      kept.push(record);
      if (kept.length > EVENTS_KEPT_MAX * 2) kept = kept.slice(-EVENTS_KEPT_MAX);
      if (waiting.length < EVENTS_WAITING_MAX) waiting.push(`${JSON.stringify(record)}\n`);
      writing ??= writeAll();
      for (const listener of listeners) listener(record);
    },
    after: (after) => kept.slice(-EVENTS_KEPT_MAX).filter((record) => record.seq > after),
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      await writing;
    },
  };
}

// event-log.ts — what happened: the last events in memory, all of them in a bounded file.
import { appendFile, readFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Daemon } from "./paths.js";
import { ensureFolder } from "./replace-file.js";
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
  /** Where a disk error is told, once until another comes or the disk is well again. */
  readonly onDiskError?: (error: Error) => void;
}

const isRecord = (value: unknown): value is EventRecord =>
  typeof value === "object" &&
  value !== null &&
  Number.isSafeInteger((value as Partial<EventRecord>).seq);

async function readBack(file: string): Promise<{
  readonly records: EventRecord[];
  /** Whether the last line was cut, so that the next must not be written behind it. */
  readonly cut: boolean;
}> {
  const records: EventRecord[] = [];
  let cut = false;
  for (const name of [`${file}.1`, file]) {
    const text = await readFile(name, "utf8").catch(() => "");
    cut = text !== "" && !text.endsWith("\n");
    for (const line of text.split("\n").slice(-EVENTS_KEPT_MAX - 1)) {
      try {
        const record: unknown = JSON.parse(line);
        if (isRecord(record)) records.push(record);
      } catch {
        // A line cut by a power loss; the others are still good.
      }
    }
  }
  return { records: records.slice(-EVENTS_KEPT_MAX), cut };
}

/** Lines to the disk in order, behind the caller's back; the file is renamed to `.1` when it is long. */
class LineWriter {
  readonly #file: string;
  readonly #onDiskError: (error: Error) => void;
  #waiting: string[];
  #writing: Promise<void> | undefined;
  #told: string | undefined;

  constructor(file: string, first: readonly string[], onDiskError: (error: Error) => void) {
    this.#file = file;
    this.#waiting = [...first];
    this.#onDiskError = onDiskError;
  }

  add(line: string): void {
    if (this.#waiting.length < EVENTS_WAITING_MAX) this.#waiting.push(line);
    this.#writing ??= this.#writeAll();
  }

  async finish(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      try {
        const size = await stat(this.#file).then(
          (found) => found.size,
          () => 0,
        );
        if (size > EVENTS_FILE_BYTES_MAX) await rename(this.#file, `${this.#file}.1`);
        await appendFile(this.#file, lines.join(""));
        this.#told = undefined;
      } catch (error) {
        this.#tell(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.#writing = undefined;
  }

  #tell(error: NodeJS.ErrnoException): void {
    const kind = error.code ?? error.message;
    if (kind !== this.#told) this.#onDiskError(error);
    this.#told = kind;
  }
}

/** Recording never waits, and a disk that fails is told to `onDiskError`, not to the caller. */
export async function createEventLog(options: EventLogOptions): Promise<EventLog> {
  const { node, daemon, file, onDiskError = () => undefined } = options;
  await ensureFolder(dirname(file)).catch(onDiskError);
  const { records, cut } = await readBack(file);
  let kept = records;
  let seq = kept.at(-1)?.seq ?? 0;
  const writer = new LineWriter(file, cut ? ["\n"] : [], onDiskError);
  const listeners = new Set<(record: EventRecord) => void>();
  return {
    record(level, event, text, facts = {}) {
      seq += 1;
      const at = options.wall().toISOString();
      const record: EventRecord = { seq, at, node, daemon, level, event, text, facts };
      kept.push(record);
      if (kept.length > EVENTS_KEPT_MAX * 2) kept = kept.slice(-EVENTS_KEPT_MAX);
      writer.add(`${JSON.stringify(record)}\n`);
      for (const listener of listeners) listener(record);
    },
    after: (after) => kept.slice(-EVENTS_KEPT_MAX).filter((record) => record.seq > after),
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => writer.finish(),
  };
}

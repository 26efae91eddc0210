// memory-keeper.ts — when the memory of verdicts is written: at once, or, where only counts changed, after a rest.
import { type Clock, type Millis, millis } from "@lbpair/common";
import type { MemoryFile } from "./memory-file.js";

/** Counts are written again after so many times what it took to put the memory into words. */
const REST_PER_SAVE = 50;

export interface MemoryKeeperDeps {
  readonly file: MemoryFile;
  readonly clock: Clock;
  /** Whether there is anything worth remembering yet. */
  readonly knows: () => boolean;
  /** The memory as it is now. */
  readonly words: () => string;
}

export class MemoryKeeper {
  readonly #deps: MemoryKeeperDeps;
  #restUntil: Millis = millis(0);
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: MemoryKeeperDeps) {
    this.#deps = deps;
  }

  /** Resolves when what is known now is on disk, or could not be written; never rejects. */
  save(): Promise<void> {
    const { file, clock, knows, words } = this.#deps;
    // Before the servers are known the file knows more than we do.
    if (!knows()) return Promise.resolve();
    return file.write(() => {
      const began = clock.now();
      const content = words();
      const now = clock.now();
      this.#restUntil = millis(now + (now - began) * REST_PER_SAVE);
      return content;
    });
  }

  /** With thousands of servers some count changes all the time. */
  saveSoon(): void {
    const wait = this.#restUntil - this.#deps.clock.now();
    if (wait <= 0) void this.save();
    else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.save();
      }, wait);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

// disk.ts — what a machine remembers: writes that take their time, hang, or are lost with the power.
import type { HeartbeatMemory } from "@lbpair/heartbeat";

/** As the real memory does: what a run before may have claimed unwritten. */
const EPOCHS_RESERVED = 100;

export interface Remembered extends HeartbeatMemory {
  readonly reservedEpoch: number;
}

export class Disk {
  /** What a process that starts now reads. */
  content: Remembered | null = null;
  /** What is there after the power was lost. */
  private durable: Remembered | null = null;
  private waiting: HeartbeatMemory | null = null;
  private writing = false;

  /** Returns at once; `later` does something when so many milliseconds have passed. */
  write(memory: HeartbeatMemory, ms: number, later: (ms: number, work: () => void) => void): void {
    this.waiting = memory;
    if (this.writing) return;
    this.writing = true;
    const begin = () => {
      const newest = this.waiting;
      this.waiting = null;
      if (newest === null) {
        this.writing = false;
        return;
      }
      later(ms, () => {
        this.durable = this.content;
        this.content = { ...newest, reservedEpoch: newest.highestEpoch + EPOCHS_RESERVED };
        begin();
      });
    };
    begin();
  }

  /** The writer is gone, and with it what had not been written. */
  abandon(): void {
    this.waiting = null;
    this.writing = false;
  }

  /** The power was lost; the last write too, where the disk had not yet written what it said it had. */
  loseThePower(lastWriteToo: boolean): void {
    this.abandon();
    if (lastWriteToo) this.content = this.durable;
  }
}

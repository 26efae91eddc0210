// lateness.ts — how late this node's own ticks are: a judge has to know its own slowness.

/** Ticks remembered. */
export const LATENESS_SAMPLES_MAX = 1000;
/** Ticks whose worst one is told to the peer. */
const RECENT_TICKS = 50;

export class Lateness {
  private readonly samples: number[] = [];
  private next = 0;
  private worst = 0;
  private worstBefore = 0;
  private ticks = 0;

  add(lateMs: number): void {
    const late = Math.max(0, lateMs);
    this.samples[this.next] = late;
    this.next = (this.next + 1) % LATENESS_SAMPLES_MAX;
    this.ticks += 1;
    if (this.ticks % RECENT_TICKS === 0) {
      this.worstBefore = this.worst;
      this.worst = 0;
    }
    this.worst = Math.max(this.worst, late);
  }

  /** The worst of the last fifty to hundred ticks, in milliseconds. */
  get recentMs(): number {
    return Math.max(this.worst, this.worstBefore);
  }

  summary(): { readonly maxMs: number; readonly p99Ms: number } {
    const sorted = [...this.samples].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    const round = (value: number) => Math.round(value * 10) / 10;
    return { maxMs: round(at(1)), p99Ms: round(at(0.99)) };
  }
}

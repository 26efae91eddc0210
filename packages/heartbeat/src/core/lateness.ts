// lateness.ts — how late this daemon's own ticks are: a judge has to know its own slowness.

/** Ticks remembered. */
export const LATENESS_SAMPLES_MAX = 1000;

export class Lateness {
  private samples: number[] = [];
  private next = 0;

  add(lateMs: number): void {
    this.samples[this.next] = Math.max(0, lateMs);
    this.next = (this.next + 1) % LATENESS_SAMPLES_MAX;
  }

  summary(): { readonly maxMs: number; readonly p99Ms: number } {
    const sorted = [...this.samples].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    const round = (value: number) => Math.round(value * 10) / 10;
    return { maxMs: round(at(1)), p99Ms: round(at(0.99)) };
  }
}

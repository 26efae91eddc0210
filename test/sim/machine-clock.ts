// machine-clock.ts — a machine's clocks against the world's: they drift, stand still, and tell or hide it.

export class MachineClock {
  private readonly rate: number;
  private monotonic: number;
  private world: number;
  /** World time at which the machine stopped; null = it runs. */
  private stoppedAt: number | null = null;
  /** What CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC. */
  suspendedMs = 0;

  constructor(worldNow: number, monotonic: number, rate: number) {
    this.world = worldNow;
    this.monotonic = monotonic;
    this.rate = rate;
  }

  now(world: number): number {
    const until = this.stoppedAt ?? world;
    return this.monotonic + (until - this.world) * this.rate;
  }

  /** World time at which this clock will show `monotonic`. */
  worldAt(monotonic: number): number {
    return this.world + (monotonic - this.monotonic) / this.rate;
  }

  stop(world: number): void {
    this.stoppedAt ??= world;
  }

  /**
   * The machine runs again. "shown": every clock shows the gap, as after stolen time. "suspended": only
   * CLOCK_BOOTTIME does. "hidden": none does, as after a pause by the hypervisor.
   */
  resume(world: number, gap: "shown" | "suspended" | "hidden"): void {
    if (this.stoppedAt === null) return;
    const gapMs = world - this.stoppedAt;
    const shown = this.now(world);
    this.stoppedAt = null;
    if (gap === "shown") return;
    this.monotonic = shown;
    this.world = world;
    if (gap === "suspended") this.suspendedMs += gapMs;
  }

  /** Goes on in another world, or at another moment of this one, as if nothing had been. */
  moveTo(world: number, from: number): void {
    this.monotonic = this.now(from);
    this.world = world;
    if (this.stoppedAt !== null) this.stoppedAt = world;
  }
}

// probe-life.ts — what a probe is told while it runs.

export interface ProbeLife {
  /** To be called once everything measures. */
  ready(): void;
  /** From now on only what happens counts: the start-up noise is forgotten. */
  onMark(handler: () => void): void;
  /** Resolves when the measurement is to end. */
  readonly stop: Promise<void>;
}

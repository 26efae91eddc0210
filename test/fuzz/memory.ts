// memory.ts — whether a long run leaves anything behind.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export interface MemorySample {
  readonly done: number;
  readonly heapMiB: number;
  readonly rssMiB: number;
}

/** What is in use after the rubbish is gone. */
export function sampleMemory(done: number): MemorySample {
  collect();
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  return { done, heapMiB: heapUsed / 2 ** 20, rssMiB: rss / 2 ** 20 };
}

/** How much the heap grew between the first sample, when everything was warm, and the last. */
export const heapGrowthMiB = (samples: readonly MemorySample[]): number =>
  (samples.at(-1)?.heapMiB ?? 0) - (samples[0]?.heapMiB ?? 0);

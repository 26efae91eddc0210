// report.ts — what is said of a game at its end.
import type { Outcome } from "./play.js";

export const replayCommand = (seed: number, steps: number, bug?: string): string =>
  `npm run model -- --seed ${seed} --steps ${steps}${bug === undefined ? "" : ` --planted ${bug}`}`;

export function summary(outcome: Outcome, tookMs: number): string {
  const { steps, kinds, asked, refused, held, slowestMs } = outcome;
  const list = [...kinds].sort(([, a], [, b]) => b - a).map(([kind, count]) => `${count} ${kind}`);
  return [
    `${steps} steps in ${(tookMs / 1000).toFixed(0)} s: ${list.join(", ")}`,
    `${asked} flows asked about, ${refused} of them refused as they had to be`,
    `${held.opened} connections held, ${held.echoes} echoes on them, ${held.cut} cut as they had to be`,
    `what takes effect by itself did so within ${slowestMs.toFixed(0)} ms`,
  ].join("\n");
}

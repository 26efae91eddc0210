// report.ts — the closing summary of a run: what was played, what it covered, what broke.
import { execFileSync } from "node:child_process";
import type { Pool } from "./pool.js";

/** Of the commit that is checked out; "+" where files differ from it. */
export function commitId(): string {
  const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+";
    return `${git("rev-parse", "--short=12", "HEAD")}${changed}`;
  } catch {
    return "unknown";
  }
}

export const replayCommand = (seed: number): string => `npm run sim -- --seed ${seed}`;

export function brokenText(pool: Pool, stories: number): string {
  return pool.broken
    .slice(0, stories)
    .map(
      ({ seed, story }) => `── seed ${seed} ──\n${story}\nreplays with: ${replayCommand(seed)}\n`,
    )
    .join("\n");
}

export function summary({ tally, coverage, broken }: Pool, tookMs: number, least: number): string {
  const hours = tally.simulatedMs / 3_600_000;
  const seldom = coverage.below(least);
  const lines = [
    `commit ${commitId()}, node ${process.version}`,
    `${tally.seeds} seeds, ${hours.toFixed(0)} simulated hours (${(tally.simulatedMs / 1000 / Math.max(1, tally.seeds)).toFixed(1)} s a seed), ${(tookMs / 1000).toFixed(0)} s, ${(tookMs / Math.max(1, tally.seeds)).toFixed(2)} ms a seed`,
    `${tally.faults} faults (${(tally.faults / Math.max(1, tally.seeds)).toFixed(1)} a seed), ${tally.claims} claims`,
    `both answered for ${tally.bothAnsweredMs.toFixed(0)} ms at most, where that is permitted`,
    broken.length === 0
      ? "no promise broken"
      : `BROKEN: ${broken.length} seeds: ${broken
          .map(({ seed, promise }) => `${seed} (${promise})`)
          .slice(0, 20)
          .join(", ")}`,
  ];
  if (least > 0) {
    const few = seldom.map(({ fault, state, count }) => `${fault} in ${state}: ${count}`);
    lines.push(
      seldom.length === 0
        ? `every fault has struck every state at least ${least} times`
        : `struck less than ${least} times: ${few.join(", ")}`,
    );
  }
  return lines.join("\n");
}

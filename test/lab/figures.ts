// figures.ts — what clients saw of each fault, as a table; and what a stall may be at most.
import type { Figures } from "@lbpair/lab";

export interface Row {
  readonly what: string;
  readonly figures: Figures;
}

const COLUMNS = [
  ["what happened", 44],
  ["echo out", 10],
  ["lost", 6],
  ["new out", 9],
  ["slow", 6],
  ["failed", 7],
  ["alive", 9],
  ["stall", 9],
] as const;

const ms = (value: number): string =>
  value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;

const line = (cells: readonly string[]): string =>
  cells
    .map((cell, i) => {
      const width = COLUMNS[i]?.[1] ?? 0;
      return i === 0 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join("");

/** One row per fault. */
export function figuresTable(rows: readonly Row[]): string {
  const body = rows.map(({ what, figures: { datagrams, newConnections, open } }) =>
    line([
      what,
      ms(datagrams.outageMs),
      `${datagrams.lost}`,
      ms(newConnections.outageMs),
      `${newConnections.slow}`,
      `${newConnections.failed}`,
      `${open.alive}/${open.total}`,
      ms(open.longestStallMs),
    ]),
  );
  return [line(COLUMNS.map(([title]) => title)), ...body].join("\n");
}

/**
 * A lost segment is sent again 200 ms later at the earliest (Linux's least retransmission time), so
 * an outage of 5 ms stalls a connection for 200 ms whatever anybody does.
 */
const RETRANSMIT_MS = 200;

/** Longest stall that three times the outage allows, beside what this machine stalls by itself. */
export const stallAllowedMs = (figures: Figures, floor: Figures): number =>
  3 * Math.max(figures.datagrams.outageMs, RETRANSMIT_MS) + floor.open.longestStallMs;

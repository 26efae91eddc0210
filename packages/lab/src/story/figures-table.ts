// figures-table.ts — measured figures as rows for people, each beside the floor.
import type { Figures } from "../probes/measure.js";
import type { Column, Screen } from "./screen.js";

export interface Measured {
  readonly what: string;
  readonly figures: Figures;
}

export const FIGURE_COLUMNS: readonly Column[] = [
  { title: "what happened", align: "left" },
  { title: "echo outage", align: "right" },
  { title: "lost", align: "right" },
  { title: "new TCP outage", align: "right" },
  { title: "slow", align: "right" },
  { title: "failed", align: "right" },
  { title: "open alive", align: "right" },
  { title: "longest stall", align: "right" },
];

export const showMs = (value: number): string =>
  value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;

export function figureRow({ what, figures }: Measured, screen: Screen): string[] {
  const { datagrams, newConnections, open } = figures;
  const alive = `${open.alive}/${open.total}`;
  return [
    what,
    showMs(datagrams.outageMs),
    `${datagrams.lost}`,
    showMs(newConnections.outageMs),
    `${newConnections.slow}`,
    `${newConnections.failed}`,
    screen.paint(open.alive === open.total ? "green" : "red", alive),
    showMs(open.longestStallMs),
  ];
}

/** One line under a chapter. */
export function sayFigures(figures: Figures, floor: Figures | undefined): string {
  const { datagrams, newConnections, open } = figures;
  const beside = floor === undefined ? "" : ` (floor ${showMs(floor.datagrams.outageMs)})`;
  return (
    `clients saw: ${showMs(datagrams.outageMs)} without an echo${beside}, ` +
    `${datagrams.lost} of ${datagrams.sent} datagrams lost, ` +
    `${newConnections.slow + newConnections.failed} of ${newConnections.attempts} new connections ` +
    `slow or failed; ${open.alive} of ${open.total} open connections live`
  );
}

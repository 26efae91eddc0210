// table.ts — columns that fit: numbers to the right, the least important column goes first.
import { cutLine, type Line, lineWidth, padLine, span } from "./text.js";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Higher numbers leave first where the terminal is too narrow; absent = never leaves. */
  readonly leaves?: number;
  /** May be cut with an ellipsis down to this many columns. */
  readonly shrinksTo?: number;
}

/** A row of cells, or a line that runs across all columns. */
export type TableRow =
  | { readonly cells: readonly Line[] }
  | { readonly across: Line; readonly indent?: number };

const GAP = 2;

/** Columns shrink to their floors before any leaves; those that may leave go least important first. */
function chooseWidths(
  columns: readonly Column[],
  natural: readonly number[],
  room: number,
): { readonly shown: readonly number[]; readonly widths: readonly number[] } {
  let shown = columns.map((_, index) => index);
  const widthOf = (widths: readonly number[]): number =>
    shown.reduce((sum, index) => sum + (widths[index] ?? 0), 0) + GAP * (shown.length - 1);
  const floors = natural.map((width, index) => Math.min(width, columns[index]?.shrinksTo ?? width));
  while (widthOf(floors) > room) {
    const leaving = shown
      .filter((index) => columns[index]?.leaves !== undefined)
      .sort((a, b) => (columns[b]?.leaves ?? 0) - (columns[a]?.leaves ?? 0))[0];
    if (leaving === undefined) break;
    shown = shown.filter((index) => index !== leaving);
  }
  const widths = [...natural];
  for (const index of [...shown].reverse()) {
    const over = widthOf(widths) - room;
    if (over > 0) widths[index] = Math.max(floors[index] ?? 0, (widths[index] ?? 0) - over);
  }
  return { shown, widths };
}

/** A titled table within `room` columns. A title row is left out where all titles are empty. */
export function table(columns: readonly Column[], rows: readonly TableRow[], room: number): Line[] {
  const cells = rows.flatMap((row) => ("cells" in row ? [row.cells] : []));
  const natural = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((row) => lineWidth(row[index] ?? []))),
  );
  const { shown, widths } = chooseWidths(columns, natural, room);
  const layOut = (row: readonly Line[]): Line =>
    shown.flatMap((index, position) => {
      const width = widths[index] ?? 0;
      const cell = cutLine(row[index] ?? [], width);
      const last = position === shown.length - 1;
      const align = columns[index]?.align ?? "left";
      const padded = last && align === "left" ? cell : padLine(cell, width, align);
      return last ? padded : [...padded, span(" ".repeat(GAP))];
    });
  const title = columns.some((column) => column.title !== "")
    ? [layOut(columns.map((column) => [span(column.title, "dim")]))]
    : [];
  return [
    ...title,
    ...rows.map((row) => {
      if ("cells" in row) return layOut(row.cells);
      const indent = row.indent ?? 0;
      return [span(" ".repeat(indent)), ...cutLine(row.across, room - indent)];
    }),
  ];
}

// table.ts — a table as a terminal shows it and as a document holds it.

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const widthOf = (text: string): number => [...text].length;
const pad = (text: string, width: number): string => text + " ".repeat(width - widthOf(text));

/** For a terminal: columns as wide as their widest cell. */
export function plainTable({ title, head, rows }: Table): string {
  const widths = head.map((word, i) =>
    Math.max(widthOf(word), ...rows.map((row) => widthOf(row[i] ?? ""))),
  );
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => pad(cell, widths[i] ?? 0)).join("  ")}`.trimEnd();
  return [title, line(head), ...rows.map(line)].join("\n");
}

export function markdownTable({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [`## ${title}`, "", line(head), line(head.map(() => "---")), ...rows.map(line), ""].join(
    "\n",
  );
}

// dot-plot.ts — panels of rows on one logarithmic axis, as SVG: a dot for the middle, a line from low to high.

export interface DotRow {
  readonly title: string;
  readonly colour: string;
  readonly low: number;
  readonly middle: number;
  readonly high: number;
  /** What is written behind the line. */
  readonly label: string;
  /** A grey tick to compare with. */
  readonly tick?: number;
}

export interface DotPanel {
  readonly title: string;
  readonly rows: readonly DotRow[];
}

export interface DotPlot {
  /** Of the document, for those who cannot see it. */
  readonly name: string;
  readonly heading: string;
  readonly explanation: string;
  readonly panels: readonly DotPanel[];
  /** The first and the last are the axis's ends; what lies beyond is drawn at them. */
  readonly marks: readonly number[];
  readonly markLabel: (value: number) => string;
}

const WIDTH = 900;
const LEFT = 260;
const RIGHT = 840;
const ROW = 20;
const HEAD = 34;
const GAP = 18;
const TOP = 64;

const text = (x: number, y: number, content: string, more = ""): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${content.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`;

type Place = (value: number) => number;

function placeOn(marks: readonly number[]): Place {
  const [from = 1, to = 10] = [marks[0], marks.at(-1)];
  return (value) => {
    const share = Math.log10(Math.min(to, Math.max(from, value)) / from) / Math.log10(to / from);
    return LEFT + share * (RIGHT - LEFT);
  };
}

function row(y: number, place: Place, least: number, one: DotRow): string[] {
  const { title, colour, low, middle, high, label, tick } = one;
  const end = place(high);
  const at = place(middle).toFixed(1);
  const tickAt = tick === undefined ? "" : place(tick).toFixed(1);
  return [
    text(LEFT - 10, y + 4, title, 'text-anchor="end"'),
    ...(tick === undefined
      ? []
      : [
          `<line x1="${tickAt}" x2="${tickAt}" y1="${y - 7}" y2="${y + 7}" stroke="#999" stroke-width="2"/>`,
        ]),
    `<line x1="${place(low).toFixed(1)}" x2="${end.toFixed(1)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="3" stroke-opacity="0.45"/>`,
    middle < least
      ? `<circle cx="${at}" cy="${y}" r="4.5" fill="white" stroke="${colour}" stroke-width="2"/>`
      : `<circle cx="${at}" cy="${y}" r="5" fill="${colour}"/>`,
    text(end + 9, y + 4, label, `fill="${colour}"`),
  ];
}

function grid(plot: DotPlot, place: Place, top: number, bottom: number): string[] {
  return plot.marks.flatMap((value) => {
    const x = place(value);
    const at = x.toFixed(1);
    return [
      `<line x1="${at}" x2="${at}" y1="${top}" y2="${bottom}" stroke="#ddd"/>`,
      text(
        x,
        bottom + 13,
        plot.markLabel(value),
        'text-anchor="middle" font-size="10" fill="#777"',
      ),
    ];
  });
}

/** One SVG document; a panel without rows is left out. */
export function drawDotPlot(plot: DotPlot): string {
  const place = placeOn(plot.marks);
  const parts: string[] = [];
  let y = TOP;
  for (const { title, rows } of plot.panels.filter((panel) => panel.rows.length > 0)) {
    parts.push(text(LEFT, y + 8, title, 'font-weight="bold"'));
    const top = y + HEAD - 16;
    const bottom = top + rows.length * ROW;
    parts.push(...grid(plot, place, top, bottom));
    rows.forEach((each, i) => {
      parts.push(...row(top + ROW * (i + 0.5), place, plot.marks[0] ?? 0, each));
    });
    y = bottom + GAP + HEAD - 14;
  }
  const height = y + 6;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${plot.name}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    text(20, 24, plot.heading, 'font-size="16" font-weight="bold"'),
    text(20, 44, plot.explanation, 'fill="#555"'),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

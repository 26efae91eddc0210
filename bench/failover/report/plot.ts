// plot.ts — the figures that matter most as one picture: a dot for the median, a line from least to most, log scale.
import type { Book } from "../measures.js";
import { least, median, most, short } from "../statistics.js";

interface Panel {
  readonly title: string;
  readonly scenario: string;
  readonly figure: string;
  /** What the same probes saw of the same product when nothing happened. */
  readonly floor?: { readonly scenario: string; readonly figure: string };
}

const ECHO_FLOOR = { scenario: "floor", figure: "echo outage" } as const;

const PANELS: readonly Panel[] = [
  {
    title: "Plug pulled: clients get no echo",
    ...{ scenario: "pull", figure: "echo outage", floor: ECHO_FLOOR },
  },
  {
    title: "Plug pulled: median stall of open connections",
    ...{ scenario: "pull", figure: "open: median stall" },
    floor: { scenario: "floor", figure: "open: median stall" },
  },
  {
    title: "Planned switch: longest silence of the 1 ms echo",
    ...{ scenario: "planned", figure: "echo outage" },
    floor: { scenario: "planned", figure: "floor: echo outage" },
  },
  {
    title: "Planned switch: slowest new TCP connection",
    ...{ scenario: "planned", figure: "slowest new TCP" },
    floor: { scenario: "planned", figure: "floor: slowest new TCP" },
  },
  {
    title: "Active's daemon killed: two nodes answer ARP",
    scenario: "killed",
    figure: "two claimants after deadtime",
  },
  {
    title: "Active's daemon frozen: two nodes answer ARP",
    scenario: "frozen",
    figure: "two claimants after deadtime",
  },
  {
    title: "Thawed: clients get no echo again",
    scenario: "frozen",
    figure: "further echo outage",
    floor: ECHO_FLOOR,
  },
  {
    title: "Split healed: until exactly one node is active",
    scenario: "split",
    figure: "exactly one after",
  },
];

const COLOURS: Readonly<Record<string, string>> = {
  lbpair: "#0b6e99",
  keepalived: "#d9730d",
  heartbeat: "#6b5b95",
};

const WIDTH = 900;
const LEFT = 260;
const RIGHT = 840;
const ROW = 20;
const HEAD = 34;
const GAP = 18;
const TOP = 64;
/** Milliseconds at the ends of the axis; what is less is drawn at its beginning. */
const AXIS = { from: 1, to: 100_000 };
const DECADES = [1, 10, 100, 1000, 10_000, 100_000];

const place = (ms: number): number => {
  const share =
    Math.log10(Math.min(AXIS.to, Math.max(AXIS.from, ms)) / AXIS.from) /
    Math.log10(AXIS.to / AXIS.from);
  return LEFT + share * (RIGHT - LEFT);
};

const axisLabel = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);
const text = (x: number, y: number, content: string, more = ""): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${content.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`;

interface Row {
  readonly title: string;
  readonly kind: string;
  readonly values: readonly number[];
  readonly floor: readonly number[];
}

function row(y: number, { title, kind, values, floor }: Row): string[] {
  const floorAt = place(most(floor)).toFixed(1);
  const colour = COLOURS[kind] ?? "#444";
  const [low, middle, high] = [least(values), median(values), most(values)];
  const label = `${middle < 0.05 ? "0" : short(middle)} ms`;
  const end = place(high);
  return [
    text(LEFT - 10, y + 4, title, 'text-anchor="end"'),
    ...(floor.length === 0
      ? []
      : [
          `<line x1="${floorAt}" x2="${floorAt}" y1="${y - 7}" y2="${y + 7}" stroke="#999" stroke-width="2"/>`,
        ]),
    `<line x1="${place(low).toFixed(1)}" x2="${end.toFixed(1)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="3" stroke-opacity="0.45"/>`,
    middle < AXIS.from
      ? `<circle cx="${place(middle).toFixed(1)}" cy="${y}" r="4.5" fill="white" stroke="${colour}" stroke-width="2"/>`
      : `<circle cx="${place(middle).toFixed(1)}" cy="${y}" r="5" fill="${colour}"/>`,
    text(end + 9, y + 4, label, `fill="${colour}"`),
  ];
}

interface PlotNames {
  readonly products: readonly {
    readonly name: string;
    readonly title: string;
    readonly kind: string;
  }[];
}

/** One SVG document. */
export function plot(book: Book, { products }: PlotNames): string {
  const parts: string[] = [];
  let y = TOP;
  for (const { title, scenario, figure, floor } of PANELS) {
    const rows = products.flatMap((product) => {
      const values = book.values(scenario, product.name, figure);
      const quiet =
        floor === undefined ? [] : book.values(floor.scenario, product.name, floor.figure);
      return values.length === 0 ? [] : [{ ...product, values, floor: quiet }];
    });
    if (rows.length === 0) continue;
    parts.push(text(LEFT, y + 8, title, 'font-weight="bold"'));
    const top = y + HEAD - 16;
    const bottom = top + rows.length * ROW;
    for (const ms of DECADES) {
      const x = place(ms).toFixed(1);
      parts.push(`<line x1="${x}" x2="${x}" y1="${top}" y2="${bottom}" stroke="#ddd"/>`);
      parts.push(
        text(
          place(ms),
          bottom + 13,
          axisLabel(ms),
          'text-anchor="middle" font-size="10" fill="#777"',
        ),
      );
    }
    rows.forEach((each, i) => {
      parts.push(...row(top + ROW * (i + 0.5), each));
    });
    y = bottom + GAP + HEAD - 14;
  }
  const height = y + 6;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    "<title>Failover of several products side by side</title>",
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    text(
      20,
      24,
      "Failover side by side: lower is better, each decade is ten times",
      'font-size="16" font-weight="bold"',
    ),
    text(
      20,
      44,
      "dot: median; line: least to most of all rounds; open dot: below 1 ms; grey tick: the most that the probes saw when nothing happened",
      'fill="#555"',
    ),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

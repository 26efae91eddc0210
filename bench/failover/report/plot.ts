// plot.ts — the figures that matter most as one picture: a dot for the median, a line from least to most, log scale.
import { type DotRow, drawDotPlot } from "../../report/dot-plot.js";
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

/** Milliseconds; what is less is drawn at the axis's beginning. */
const DECADES = [1, 10, 100, 1000, 10_000, 100_000];

const axisLabel = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

interface PlotNames {
  readonly products: readonly {
    readonly name: string;
    readonly title: string;
    readonly kind: string;
  }[];
}

function rowOf(
  { title, kind }: PlotNames["products"][number],
  values: readonly number[],
  floor: readonly number[],
): DotRow {
  const middle = median(values);
  return {
    title,
    colour: COLOURS[kind] ?? "#444",
    ...{ low: least(values), middle, high: most(values) },
    label: `${middle < 0.05 ? "0" : short(middle)} ms`,
    ...(floor.length === 0 ? {} : { tick: most(floor) }),
  };
}

/** One SVG document. */
export function plot(book: Book, { products }: PlotNames): string {
  const panels = PANELS.map(({ title, scenario, figure, floor }) => ({
    title,
    rows: products.flatMap((product) => {
      const values = book.values(scenario, product.name, figure);
      const quiet =
        floor === undefined ? [] : book.values(floor.scenario, product.name, floor.figure);
      return values.length === 0 ? [] : [rowOf(product, values, quiet)];
    }),
  }));
  return drawDotPlot({
    name: "Failover of several products side by side",
    heading: "Failover side by side: lower is better, each decade is ten times",
    explanation:
      "dot: median; line: least to most of all rounds; open dot: below 1 ms; grey tick: the most that the probes saw when nothing happened",
    panels,
    marks: DECADES,
    markLabel: axisLabel,
  });
}

// targets.ts — what lbpair's data plane promises beside the others, and whether it held.
import type { Book } from "../failover/measures.js";
import { median } from "../failover/statistics.js";
import { type Ratio, ratioOf, ratioText } from "./ratios.js";
import { countName } from "./times.js";

/** Figures of which more is better, by the part that measures them. */
export const RATES = [
  ["connections", "connections/s"],
  ["requests", "requests/s"],
  ["bytes", "Gbit/s"],
] as const;

/** Of the hand-written rule's figure. */
const SHARE_LEAST = 0.95;

export interface Judged {
  readonly text: string;
  readonly measured: string;
  readonly wanted: string;
  readonly holds: boolean;
}

interface Compared {
  readonly part: string;
  readonly figure: string;
  readonly mine: string;
  readonly other: string;
  readonly text: string;
  readonly wanted: string;
  readonly holds: (ratio: Ratio) => boolean;
}

const notLess = (ratio: Ratio): boolean => ratio.low >= SHARE_LEAST;

const COMPARED: readonly Compared[] = [
  ...RATES.flatMap(([part, figure]): Compared[] => {
    const of = { part, figure };
    const wanted = `lower bound ≥ ${SHARE_LEAST}`;
    return [
      {
        ...of,
        mine: "lbpair",
        other: "rule",
        text: `${figure}, of the hand-written rule's`,
        wanted,
        holds: notLess,
      },
      {
        ...of,
        mine: "lbpair-3",
        other: "rule-3",
        text: `${figure}, of the rule's, three servers`,
        wanted,
        holds: notLess,
      },
      {
        ...of,
        mine: "lbpair",
        other: "nftlb",
        text: `${figure}, of nftlb's`,
        wanted: "upper bound ≥ 1",
        holds: ({ high }) => high >= 1,
      },
      {
        ...of,
        mine: "lbpair",
        other: "haproxy",
        text: `${figure}, of HAProxy's`,
        wanted: "lower bound > 1",
        holds: ({ low }) => low > 1,
      },
    ];
  }),
  ...RATES.slice(0, 2).map(
    ([, figure]): Compared => ({
      ...{ part: "scale", figure, mine: "lbpair/10000", other: "lbpair" },
      text: `${figure} with 10,000 services, of itself with one`,
      ...{ wanted: `lower bound ≥ ${SHARE_LEAST}`, holds: notLess },
    }),
  ),
];

const TIMES: readonly (readonly [string, string, number])[] = [
  ["load ms", "10,000 services (70,000 ports) loaded", 3000],
  ["one server's change ms", "with them, one server's change from command to effect", 100],
  ["one nft transaction ms", "with them, one nft transaction, nft's own start included", 30],
  ["forwarder MB", "with them, the forwarder's memory in MB", 300],
];

/** Every target that was measured. */
export function judgeAll(book: Book): Judged[] {
  const ratios = COMPARED.flatMap(
    ({ part, figure, mine, other, text, wanted, holds }): Judged[] => {
      const ratio = ratioOf(book.values(part, mine, figure), book.values(part, other, figure));
      if (ratio === undefined) return [];
      return [{ text, measured: ratioText(ratio), wanted, holds: holds(ratio) }];
    },
  );
  const times = TIMES.flatMap(([figure, text, most]): Judged[] => {
    const values = book.values("times", countName(10_000), figure);
    if (values.length === 0) return [];
    const value = median(values);
    return [{ text, measured: value.toFixed(0), wanted: `≤ ${most}`, holds: value <= most }];
  });
  return [...ratios, ...times];
}

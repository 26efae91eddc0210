// targets.ts — what lbpair promises beside its peers, as data; and whether it held.
import type { Book } from "../measures.js";
import { median, most, sum } from "../statistics.js";

type Statistic = "median" | "most" | "sum" | "least";

export interface Target {
  readonly text: string;
  readonly scenario: string;
  readonly product: string;
  readonly figure: string;
  readonly statistic: Statistic;
  readonly unit: string;
  /** The limit is to be reached, not kept. */
  readonly atLeast?: true;
  /** A number, or what another product reached in the same run. */
  readonly limit: number | { readonly product: string; readonly statistic: Statistic };
  /** What the probes see when nothing happens: added to the limit. */
  readonly floor?: { readonly scenario?: string; readonly figure: string };
}

export interface Verdict {
  readonly target: Target;
  readonly value: number;
  readonly limit: number;
  readonly floor: number;
  readonly holds: boolean;
}

const STATISTICS: Readonly<Record<Statistic, (values: readonly number[]) => number>> = {
  median,
  most,
  sum,
  least: (values) => Math.min(...values),
};

const ECHO_FLOOR = { figure: "echo outage" } as const;
const STALL_FLOOR = { figure: "open: median stall" } as const;

const pulls: readonly Target[] = [
  {
    text: "plug pulled at 300 ms: median echo outage below keepalived's at 100 ms adverts",
    ...{ scenario: "pull", product: "lbpair-300", figure: "echo outage", statistic: "median" },
    ...{ unit: "ms", limit: { product: "keepalived-100", statistic: "median" } },
  },
  {
    text: "plug pulled at 300 ms: median echo outage at most deadtime + 15 ms",
    ...{ scenario: "pull", product: "lbpair-300", figure: "echo outage", statistic: "median" },
    ...{ unit: "ms", limit: 315, floor: ECHO_FLOOR },
  },
  {
    text: "plug pulled, fast profile: median echo outage at most 115 ms",
    ...{ scenario: "pull", product: "lbpair-fast", figure: "echo outage", statistic: "median" },
    ...{ unit: "ms", limit: 115, floor: ECHO_FLOOR },
  },
  {
    text: "plug pulled, virtual MAC: median stall of open connections at most 25 ms",
    ...{ scenario: "pull", product: "lbpair-vmac", figure: "open: median stall" },
    ...{ statistic: "median", unit: "ms", limit: 25, floor: STALL_FLOOR },
  },
  {
    text: "plug pulled, virtual MAC: worst stall below keepalived's worst with its own virtual MAC",
    ...{ scenario: "pull", product: "lbpair-vmac", figure: "open: worst stall" },
    ...{ statistic: "most", unit: "ms", limit: { product: "keepalived-vmac", statistic: "most" } },
  },
];

const planned: readonly Target[] = [
  {
    text: "20 planned switches: not one 1 ms echo lost",
    ...{ scenario: "planned", product: "lbpair-300", figure: "echoes lost", statistic: "sum" },
    ...{ unit: "", limit: 0 },
  },
  {
    text: "20 planned switches: not one echo slowed beyond the floor",
    ...{ scenario: "planned", product: "lbpair-300", figure: "echo outage", statistic: "most" },
    ...{ unit: "ms", limit: 0, floor: { scenario: "planned", figure: "floor: echo outage" } },
  },
  {
    text: "20 planned switches: no new TCP connection lost",
    ...{ scenario: "planned", product: "lbpair-300", figure: "new TCP failed", statistic: "sum" },
    ...{ unit: "", limit: 0 },
  },
  {
    text: "20 planned switches: no new TCP connection slowed beyond the floor",
    ...{ scenario: "planned", product: "lbpair-300", figure: "slowest new TCP", statistic: "most" },
    ...{ unit: "ms", limit: 0, floor: { scenario: "planned", figure: "floor: slowest new TCP" } },
  },
  {
    text: "ten planned switches: none of 1,000 open connections lost, busy ones included",
    ...{ scenario: "crowd", product: "lbpair-300", figure: "open connections lost" },
    ...{ statistic: "sum", unit: "", limit: 0 },
  },
];

function standstillTargets(scenario: string, what: string, again: string): Target[] {
  const common = { scenario, product: "lbpair-300", unit: "ms" } as const;
  return [
    {
      text: `${what}: no instant with two ARP answerers after deadtime`,
      ...common,
      ...{ figure: "two claimants after deadtime", statistic: "most", limit: 0 },
    },
    {
      text: `${what}: median echo outage at most 50 ms`,
      ...common,
      ...{ figure: "echo outage", statistic: "median", limit: 50, floor: ECHO_FLOOR },
    },
    {
      text: `${again}: exactly one node active within 100 ms, every time`,
      ...common,
      ...{ figure: "exactly one after", statistic: "most", limit: 100, floor: ECHO_FLOOR },
    },
    {
      text: `${again}: at most 50 ms further echo outage, every time`,
      ...common,
      ...{ figure: "further echo outage", statistic: "most", limit: 50, floor: ECHO_FLOOR },
    },
  ];
}

const splits: readonly Target[] = [
  {
    text: "split healed: exactly one node active within 100 ms of hearing each other, every time",
    ...{ scenario: "split", product: "lbpair-300", figure: "exactly one after" },
    ...{ statistic: "most", unit: "ms", limit: 100, floor: ECHO_FLOOR },
  },
  {
    text: "split healed: the address never on neither node",
    ...{ scenario: "split", product: "lbpair-300", figure: "on no node then", statistic: "most" },
    ...{ unit: "ms", limit: 0, floor: { figure: "address on no node" } },
  },
  {
    text: "split healed: new TCP connections work within 100 ms, every time",
    ...{ scenario: "split", product: "lbpair-300", figure: "new TCP works after" },
    ...{ statistic: "most", unit: "ms", limit: 100, floor: { figure: "slowest new TCP" } },
  },
];

const none = (scenario: string, product: string, text: string): Target => ({
  ...{ text, scenario, product, figure: "spurious failovers" },
  ...{ statistic: "sum", unit: "", limit: 0 },
});

const steadiness: readonly Target[] = [
  none("loss40", "lbpair-300", "40 % loss on all paths for 60 s, deadtime 300 ms: no failover"),
  none("loss40", "lbpair-fast", "40 % loss on all paths for 60 s, fast profile: no failover"),
  none("starve", "lbpair-300", "busy loops on every core: no failover"),
  none("quota", "lbpair-300", "CPU quota of 10 % as an ordinary process, 300 ms: no failover"),
  {
    text: "CPU quota of 10 %: the process met it (nr_throttled)",
    ...{ scenario: "quota", product: "lbpair-300", figure: "nr_throttled", statistic: "least" },
    ...{ unit: "", limit: 1, atLeast: true },
  },
];

const sizes: readonly Target[] = [
  {
    text: "1,000 floating IPs: the last one announced within 150 ms of the decision",
    ...{ scenario: "many-1000", product: "lbpair-300", figure: "decided → last announced" },
    ...{ statistic: "most", unit: "ms", limit: 150, floor: ECHO_FLOOR },
  },
  {
    text: "heartbeat daemon at default timings, the process itself: at most 1 % of a core",
    ...{ scenario: "cost", product: "lbpair", figure: "processor of the daemon itself" },
    ...{ statistic: "most", unit: "%", limit: 1 },
  },
  {
    text: "heartbeat daemon at default timings, its children counted: at most 1 % of a core",
    ...{ scenario: "cost", product: "lbpair", figure: "processor", statistic: "most" },
    ...{ unit: "%", limit: 1 },
  },
  {
    text: "heartbeat daemon at default timings: at most 70 MB resident",
    ...{ scenario: "cost", product: "lbpair", figure: "daemon resident", statistic: "most" },
    ...{ unit: "MB", limit: 70 },
  },
];

export const TARGETS: readonly Target[] = [
  ...pulls,
  ...planned,
  ...standstillTargets("frozen", "active frozen", "active thawed"),
  ...standstillTargets("frozen-passive", "passive frozen", "passive thawed"),
  ...standstillTargets("killed", "active killed", "active started again"),
  ...standstillTargets("killed-passive", "passive killed", "passive started again"),
  ...splits,
  ...steadiness,
  ...sizes,
];

/** Undefined where this run did not measure it, or not what it is compared with. */
export function judge(book: Book, target: Target): Verdict | undefined {
  const { scenario, product, figure, statistic } = target;
  const values = book.values(scenario, product, figure);
  if (values.length === 0) return undefined;
  let limit: number;
  if (typeof target.limit === "number") limit = target.limit;
  else {
    const others = book.values(scenario, target.limit.product, figure);
    if (others.length === 0) return undefined;
    limit = STATISTICS[target.limit.statistic](others);
  }
  const quiet =
    target.floor === undefined
      ? []
      : book.values(target.floor.scenario ?? "floor", product, target.floor.figure);
  const floor = quiet.length === 0 ? 0 : STATISTICS[statistic](quiet);
  const value = STATISTICS[statistic](values);
  return {
    target,
    value,
    limit,
    floor,
    holds: target.atLeast ? value >= limit : value <= limit + floor,
  };
}

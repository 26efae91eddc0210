// catalogue.ts — all products, in the order in which they are shown, and the tools that the bench needs.
import { COUNTS } from "../times.js";
import { lbpair, lbpairThree, oneOf } from "./lbpair.js";
import type { Product } from "./product.js";
import { haproxy, nodeProxy } from "./proxies.js";
import { direct, nftlb, rule, ruleThree, tracked } from "./rules.js";

export const ALONE: readonly Product[] = [
  direct,
  tracked,
  rule,
  lbpair,
  ruleThree,
  lbpairThree,
  nftlb,
  haproxy,
  nodeProxy,
];

/** The first is what the others are compared with. */
export const BESIDE: readonly Product[] = [lbpair, ...COUNTS.map(oneOf)];

export const TOOLS: readonly { readonly package: string; readonly file: string }[] = [
  { package: "nftlb", file: "/usr/sbin/nftlb" },
  { package: "haproxy", file: "/usr/sbin/haproxy" },
  { package: "wrk", file: "/usr/bin/wrk" },
  { package: "iperf3", file: "/usr/bin/iperf3" },
];

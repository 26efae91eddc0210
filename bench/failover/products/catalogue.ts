// catalogue.ts — every product and setting that is compared, in the order of the table.
import { keepalived } from "./keepalived.js";
import { lbpair } from "./lbpair.js";
import { linuxHa } from "./linux-ha.js";
import type { Product } from "./product.js";

const AT_300 = { keepalive: "100ms", warntime: "150ms", lease: "240ms", deadtime: "300ms" };
const FAST = { keepalive: "20ms", warntime: "50ms", lease: "80ms", deadtime: "100ms" };

export const PRODUCTS: readonly Product[] = [
  lbpair({ name: "lbpair", title: "lbpair 200 ms / 1 s (default)", timings: {} }),
  lbpair({ name: "lbpair-300", title: "lbpair 100 / 300 ms", timings: AT_300 }),
  lbpair({ name: "lbpair-fast", title: "lbpair 20 / 100 ms", timings: FAST }),
  lbpair({
    name: "lbpair-vmac",
    title: "lbpair 100 / 300 ms, virtual MAC",
    timings: AT_300,
    more: { virtualMac: true },
  }),
  keepalived({ name: "keepalived-1s", title: "keepalived 1 s (default)", advertMs: 1000 }),
  keepalived({ name: "keepalived-100", title: "keepalived 100 ms", advertMs: 100 }),
  keepalived({ name: "keepalived-10", title: "keepalived 10 ms", advertMs: 10 }),
  keepalived({
    name: "keepalived-vmac",
    title: "keepalived 100 ms, virtual MAC",
    advertMs: 100,
    virtualMac: true,
  }),
  linuxHa({
    name: "heartbeat",
    title: "Linux-HA 100 / 500 ms",
    keepaliveMs: 100,
    deadtimeMs: 500,
  }),
];

// hold.ts — npm run bench:hold: the fast profile idle, then beside busy loops, without a failover that nobody needed.
import { cpus } from "node:os";
import { APPLIANCES, activeNodes, viewPair } from "@lbpair/lab";
import { keepEvidence } from "./evidence.js";
import type { Product, RunningPair } from "./products/product.js";
import { noClaimantMs, roleChanges, twoClaimantsMs } from "./reading.js";
import { pause, watch } from "./watch.js";
import { startBusyLoops } from "./world/busy-loops.js";
import { schedulingOf } from "./world/process-tree.js";

const LOOPS = 8;
/** Third hosts keep every claim: a short watch after another bounds what they keep. */
const WATCH_MS = 60_000;
const LIGHT = { connections: 2, newcomers: false, arpMs: 20, echoMs: 10 };

/** Who is active by which claim: every take over has a higher one. */
const epochs = async (pair: RunningPair): Promise<string> => {
  const view = await viewPair(pair.world);
  const claims = activeNodes(view).map((name) => `${name}, epoch ${view[name].heartbeat?.epoch}`);
  return claims.join(" and ") || "none";
};

/** Role changes and duplicates as third hosts saw them, and as the epochs say. */
async function holdFor(pair: RunningPair, minutes: number, what: string): Promise<boolean> {
  const before = await epochs(pair);
  let changes = 0;
  let twoMs = 0;
  let noneMs = 0;
  for (let left = minutes * 60_000; left > 0; left -= WATCH_MS) {
    const seen = await watch(pair.world, LIGHT, () => pause(Math.min(left, WATCH_MS)));
    const stretch = { fromMs: 0, toMs: seen.endMs };
    changes += roleChanges(seen, stretch);
    twoMs += twoClaimantsMs(seen, stretch);
    noneMs = Math.max(noneMs, noClaimantMs(seen, stretch));
  }
  const after = await epochs(pair);
  const holds = changes === 0 && twoMs === 0 && before === after;
  console.log(
    `${what}, ${minutes} minutes: ${changes} failovers, two claimants ${twoMs.toFixed(0)} ms, ` +
      `nobody for ${noneMs.toFixed(0)} ms at most; before ${before}, after ${after}: ${holds ? "holds" : "MISSED"}`,
  );
  return holds;
}

export async function hold(product: Product, minutes: number): Promise<boolean> {
  console.log(`${product.title}, ${cpus().length} cores`);
  const pair = await product.start(1);
  try {
    for (const name of APPLIANCES) {
      const [pid] = pair.pids(name);
      console.log(`${name}: heartbeat ${pid === undefined ? "ended" : await schedulingOf(pid)}`);
    }
    const idle = await holdFor(pair, minutes, "idle");
    const loops = startBusyLoops(LOOPS);
    try {
      return (await holdFor(pair, minutes, `beside ${LOOPS} busy loops`)) && idle;
    } finally {
      loops.stop();
    }
  } finally {
    await keepEvidence(pair, "hold");
    await pair.stop();
  }
}

// loss.ts — every path between the two appliances loses frames, both ways, for a minute.
import { mustRun, runCommand } from "@lbpair/common";
import { APPLIANCES, hostPlan, otherNode, type World } from "@lbpair/lab";
import { keepEvidence } from "../evidence.js";
import type { Book } from "../measures.js";
import type { RunningPair } from "../products/product.js";
import { echoOutageMs, roleChanges, twoClaimantsMs } from "../reading.js";
import { reasonOf } from "../run.js";
import { pause, watch } from "../watch.js";

export const LOSS_MS = 60_000;
export const LOSSES = [20, 40] as const;
export const lossName = (percent: number): string => `loss${percent}`;
export const LOSS_SCENARIOS = LOSSES.map((percent) => ({
  name: lossName(percent),
  title: `${percent} % loss on all paths between the nodes for ${LOSS_MS / 1000} s`,
}));

/**
 * At the switch, on its way to a node, a frame of the other node is dropped with that probability:
 * heartbeats, VRRP, ARP and pings between the two alike. What anybody else sends is not touched.
 */
function rules(percent: number): string {
  const chains = APPLIANCES.flatMap((name) =>
    hostPlan(name).cables.map(({ network, port }) => {
      const from = hostPlan(otherNode(name)).cables.find((cable) => cable.network === network);
      return [
        `  chain to-${name}-${network} {`,
        `    type filter hook egress device "${port}" priority 0;`,
        `    ether saddr ${from?.mac} numgen random mod 100 < ${percent} counter drop`,
        `    ether saddr ${from?.mac} counter`,
        "  }",
      ].join("\n");
    }),
  );
  return `table netdev bench-loss {\n${chains.join("\n")}\n}\n`;
}

const atSwitch = (world: World, words: readonly string[], input?: string) =>
  mustRun(
    runCommand,
    ["ip", "netns", "exec", world.namespace("switch"), "nft", ...words],
    input === undefined ? {} : { input },
  );

/** Frames dropped and let through, as counted. */
async function endLoss(world: World): Promise<{ dropped: number; passed: number }> {
  const { stdout } = await atSwitch(world, ["list", "table", "netdev", "bench-loss"]);
  await atSwitch(world, ["delete", "table", "netdev", "bench-loss"]);
  const count = (pattern: RegExp) =>
    [...stdout.matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0);
  const dropped = count(/counter packets (\d+) bytes \d+ drop/g);
  return { dropped, passed: count(/counter packets (\d+)/g) - dropped };
}

async function suffer(pair: RunningPair, percent: number, book: Book): Promise<void> {
  const { name, title } = pair.product;
  await pair.settle();
  let frames = { dropped: 0, passed: 0 };
  const light = { connections: 2, newcomers: false, arpMs: 20, echoMs: 10 };
  const seen = await watch(pair.world, light, async (note) => {
    await pair.activeNow();
    note("from");
    await atSwitch(pair.world, ["-f", "-"], rules(percent));
    try {
      await pause(LOSS_MS);
    } finally {
      frames = await endLoss(pair.world);
    }
  });
  const stretch = { fromMs: seen.moments.from ?? 0, toMs: seen.endMs };
  const scenario = lossName(percent);
  const changes = roleChanges(seen, stretch);
  book.note(scenario, name, "spurious failovers", changes, "count");
  book.note(scenario, name, "two claimants", twoClaimantsMs(seen, stretch));
  book.note(scenario, name, "echo outage", echoOutageMs(seen, stretch));
  const { dropped, passed } = frames;
  book.note(
    scenario,
    name,
    "frames lost",
    (100 * dropped) / Math.max(1, dropped + passed),
    "percent",
  );
  console.log(
    `  ${scenario.padEnd(15)} ${title}: ${changes} failovers, ${dropped} of ${dropped + passed} frames lost`,
  );
  await keepEvidence(pair, scenario);
}

/** All at once: each world has cables of its own, and the same minute. */
export async function measureLoss(
  pairs: readonly RunningPair[],
  percent: number,
  book: Book,
): Promise<void> {
  await Promise.all(
    pairs.map((pair) =>
      suffer(pair, percent, book).catch((error: unknown) => {
        console.log(
          `  ${lossName(percent).padEnd(15)} ${pair.product.title} FAILED: ${reasonOf(error)}`,
        );
        book.fail(lossName(percent), pair.product.name, reasonOf(error));
      }),
    ),
  );
}

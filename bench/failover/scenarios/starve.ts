// starve.ts — too little processor time: busy loops beside everything, and a quota that the daemon shares.
import { cpus } from "node:os";
import { APPLIANCES, type ApplianceName } from "@lbpair/lab";
import { echoOutageMs, roleChanges, twoClaimantsMs } from "../reading.js";
import { pause, type Seen, watch } from "../watch.js";
import { type BusyLoops, startBusyLoops, startSmallBurners } from "../world/busy-loops.js";
import { createQuota, NO_QUOTA, PERIOD_MS } from "../world/cpu-quota.js";
import { schedule, schedulingOf } from "../world/process-tree.js";
import { hasVirtualMac, isFocus, type Round, type Scenario } from "./scenario.js";

const LOOPS_PER_CORE = 4;
const STARVE_MS = 20_000;
const QUOTA_PERCENT = 10;
const SHARED_PERCENT = 6;

function noteCalm({ pair, book }: Round, scenario: string, seen: Seen): number {
  const stretch = { fromMs: seen.moments.from ?? 0, toMs: seen.endMs };
  const { name } = pair.product;
  const changes = roleChanges(seen, stretch);
  book.note(scenario, name, "spurious failovers", changes, "count");
  book.note(scenario, name, "two claimants", twoClaimantsMs(seen, stretch));
  book.note(scenario, name, "echo outage", echoOutageMs(seen, stretch));
  return changes;
}

const LIGHT = { connections: 2, newcomers: false, arpMs: 10, echoMs: 5 };

export const starve: Scenario = {
  name: "starve",
  title: `Busy loops, ${LOOPS_PER_CORE} per core, for ${STARVE_MS / 1000} s`,
  applies: (product) =>
    !hasVirtualMac(product) && !["lbpair", "keepalived-1s"].includes(product.name),
  rounds: () => 1,
  async run(round) {
    const { pair, say } = round;
    await pair.settle();
    const seen = await watch(pair.world, LIGHT, async (note) => {
      await pair.activeNow();
      note("from");
      const loops = startBusyLoops(LOOPS_PER_CORE * cpus().length);
      try {
        await pause(STARVE_MS);
      } finally {
        loops.stop();
      }
    });
    say(`${LOOPS_PER_CORE * cpus().length} loops: ${noteCalm(round, "starve", seen)} failovers`);
  },
};

interface Share {
  readonly name: string;
  readonly title: string;
  /** Who shares each daemon's group, and its quota with it; undefined = the daemon is alone, and is made to work. */
  company?(count: number): BusyLoops;
}

/** Each node's daemon, helpers included, as ordinary processes in a group of its own, with company. */
async function sufferQuota(round: Round, { name: scenario, company }: Share): Promise<void> {
  const { pair, book, say } = round;
  await pair.settle();
  const groups = APPLIANCES.map((name) => ({ name, group: createQuota(name, QUOTA_PERCENT) }));
  const burners = company?.(groups.length);
  const ending = new AbortController();
  const realtime: ApplianceName[] = [];
  try {
    const seen = await watch(pair.world, LIGHT, async (note) => {
      await pair.activeNow();
      for (const [i, { name, group }] of groups.entries()) {
        if (group === undefined) throw new Error(NO_QUOTA);
        const pids = pair.pids(name);
        if (/SCHED_RR/.test(await schedulingOf(pids[0] ?? 0))) realtime.push(name);
        await schedule(pids, "ordinary");
        group.admit([...pids, ...(burners?.pids.slice(i, i + 1) ?? [])]);
      }
      note("from");
      const work =
        burners === undefined ? APPLIANCES.map((name) => pair.exercise?.(name, ending.signal)) : [];
      await pause(STARVE_MS);
      ending.abort();
      await Promise.all(work);
    });
    const counts = groups.map(({ group }) => group?.counts() ?? { periods: 0, throttled: 0 });
    const throttled = counts.map((each) => each.throttled);
    book.note(scenario, pair.product.name, "nr_throttled", Math.min(...throttled), "count");
    book.note(scenario, pair.product.name, "of periods", counts[0]?.periods, "count");
    const changes = noteCalm(round, scenario, seen);
    const of = counts.map((each) => `${each.throttled} of ${each.periods} periods`).join(" and ");
    say(`nr_throttled ${of}: ${changes} failovers`);
  } finally {
    ending.abort();
    for (const { group } of groups) group?.remove();
    burners?.stop();
    // Helpers that were started meanwhile are as ordinary as the daemon was.
    for (const name of realtime) await schedule(pair.pids(name), "realtime");
  }
}

const TOLD = `as ordinary processes under a quota of ${QUOTA_PERCENT} % per ${PERIOD_MS} ms, for ${STARVE_MS / 1000} s`;

const share = (what: Share): Scenario => ({
  ...{ name: what.name, title: what.title, applies: isFocus },
  rounds: () => 1,
  run: (round) => sufferQuota(round, what),
});

/** It needs two of the hundred: so lbpair's is asked for its status all the time, and uses its quota up by itself. */
export const quota = share({ name: "quota", title: `Daemons ${TOLD}` });

/** The other way to meet it: something else of the group uses most of it. */
export const sharedQuota = share({
  name: "quota-shared",
  title: `Daemons ${TOLD}, ${SHARED_PERCENT} of the ${QUOTA_PERCENT} used by something else of the group`,
  company: (count) => startSmallBurners(count, (PERIOD_MS * SHARED_PERCENT) / 100, PERIOD_MS),
});

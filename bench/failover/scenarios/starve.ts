// starve.ts — too little processor time: busy loops beside everything, and a quota on the daemon itself.
import { cpus } from "node:os";
import { APPLIANCES } from "@lbpair/lab";
import { echoOutageMs, roleChanges, twoClaimantsMs } from "../reading.js";
import { pause, type Seen, watch } from "../watch.js";
import { startBusyLoops } from "../world/busy-loops.js";
import { createQuota } from "../world/cpu-quota.js";
import { makeOrdinary } from "../world/process-tree.js";
import { hasVirtualMac, isFocus, type Round, type Scenario } from "./scenario.js";

const LOOPS_PER_CORE = 4;
const STARVE_MS = 20_000;
const QUOTA_PERCENT = 10;

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
  /** Whether a busy loop shares the group: it uses up whatever the daemon leaves, in every period. */
  readonly withLoop: boolean;
}

/** Each node's daemon, children included, as ordinary processes in a group of its own. */
async function sufferQuota(round: Round, { name: scenario, withLoop }: Share): Promise<void> {
  const { pair, book, say } = round;
  await pair.settle();
  const groups = APPLIANCES.map((name) => ({ name, group: createQuota(name, QUOTA_PERCENT) }));
  const loops = startBusyLoops(withLoop ? groups.length : 0);
  const ending = new AbortController();
  try {
    const seen = await watch(pair.world, LIGHT, async (note) => {
      await pair.activeNow();
      for (const [i, { name, group }] of groups.entries()) {
        if (group === undefined) throw new Error("no cgroup of this machine gives out quotas");
        const pids = pair.pids(name);
        await makeOrdinary(pids);
        group.admit([...pids, ...loops.pids.slice(i, i + 1)]);
      }
      note("from");
      const work = withLoop ? [] : APPLIANCES.map((name) => pair.exercise?.(name, ending.signal));
      await pause(STARVE_MS);
      ending.abort();
      await Promise.all(work);
    });
    const throttled = groups.map(({ group }) => group?.throttled() ?? 0);
    book.note(scenario, pair.product.name, "nr_throttled", Math.min(...throttled), "count");
    const changes = noteCalm(round, scenario, seen);
    say(`nr_throttled ${throttled.join(" and ")}: ${changes} failovers`);
  } finally {
    ending.abort();
    for (const { group } of groups) group?.remove();
    loops.stop();
    // Real-time again: the daemon asks for it when it starts.
    for (const name of APPLIANCES) {
      await pair.kill(name);
      await pair.restart(name);
      await pair.settle();
    }
  }
}

const TOLD = `as ordinary processes under a quota of ${QUOTA_PERCENT} % per 100 ms, for ${STARVE_MS / 1000} s`;

const share = (what: Share): Scenario => ({
  name: what.name,
  title: what.title,
  applies: isFocus,
  rounds: () => 1,
  run: (round) => sufferQuota(round, what),
});

/** lbpair's is asked for its status all the time, so that it uses its quota up by itself. */
export const quota = share({ name: "quota", title: `Daemons ${TOLD}`, withLoop: false });
export const sharedQuota = share({
  name: "quota-shared",
  title: `Daemons ${TOLD}, shared with a busy loop`,
  withLoop: true,
});

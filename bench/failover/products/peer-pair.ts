// peer-pair.ts — what every product that only moves addresses has in common: its world, its processes, who holds what.
import { type ChildProcess, execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import {
  APPLIANCES,
  type ApplianceName,
  endProcess,
  GATEWAY,
  hasEnded,
  monotonicMs,
  VIP,
  type World,
} from "@lbpair/lab";
import { pause } from "../watch.js";
import { createBenchWorld, heldAddresses } from "../world/bench-world.js";
import { processTree } from "../world/process-tree.js";
import { loadStaticRules } from "../world/static-rules.js";
import type { Product, RunningPair } from "./product.js";

const POLL_MS = 50;
const ONE_ACTIVE_MS_MAX = 10_000;
const LOG_LINES = 40;

/** Nodes that hold both addresses, and nodes that hold only one. */
export async function holders(world: World): Promise<{ both: ApplianceName[]; half: boolean }> {
  const held = await heldAddresses(world);
  const count = (name: ApplianceName) =>
    [VIP, GATEWAY].filter((address) => held[name].has(address)).length;
  return {
    both: APPLIANCES.filter((name) => count(name) === 2),
    half: APPLIANCES.some((name) => count(name) === 1),
  };
}

/** Waits until one and the same node holds both addresses alone for so long. */
export async function waitOneHolder(
  world: World,
  quietMs: number,
  timeoutMs: number,
): Promise<ApplianceName> {
  const deadline = Date.now() + timeoutMs;
  let since = Date.now();
  let before: ApplianceName | undefined;
  for (;;) {
    const { both, half } = await holders(world);
    const now = both.length === 1 && !half ? both[0] : undefined;
    if (now === undefined || now !== before) since = Date.now();
    before = now;
    if (now !== undefined && Date.now() - since >= quietMs) return now;
    if (Date.now() > deadline) {
      throw new Error(`addresses on ${both.join(" and ") || "no node"} after ${timeoutMs} ms`);
    }
    await pause(POLL_MS);
  }
}

/** Waits until a node holds both addresses, whoever else does. */
export async function waitHolder(
  world: World,
  name: ApplianceName,
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holders(world)).both.includes(name)) {
    if (Date.now() > deadline) throw new Error(`${name} holds nothing after ${timeoutMs} ms`);
    await pause(POLL_MS);
  }
}

/** Nothing but the product runs in an appliance's namespace; a daemon that started itself anew has no parent of ours. */
function processesIn(namespace: string): number[] {
  const said = execFileSync("ip", ["netns", "pids", namespace], { encoding: "utf8" });
  return said.split("\n").filter(Boolean).map(Number);
}

const signalAll = (pids: readonly number[], signal: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself.
    }
  }
};

export async function lastLines(files: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, "utf8").catch(() => "");
      return `== ${file.split("/").at(-1)}\n${text.split("\n").slice(-LOG_LINES).join("\n")}`;
    }),
  );
  return parts.join("\n");
}

/** A peer's daemon on each node. */
export interface PeerDaemons {
  /** Starts it on one node; whatever an earlier one left behind there is no obstacle. */
  launch(name: ApplianceName): ChildProcess;
  readonly logs: readonly string[];
}

/** What is the product's own: how it comes to rest, comes back and switches. */
export type PeerWays = Pick<RunningPair, "settle" | "revive" | "handOver">;

export interface RunningPeer {
  readonly world: World;
  start(name: ApplianceName): void;
  kill(name: ApplianceName): Promise<void>;
  /** Ends it in order, as its own stop does. */
  end(name: ApplianceName): Promise<void>;
  /** Heals every cable, starts what has ended and thaws what is frozen. */
  wake(): Promise<void>;
  /** Its processes, the first one started first; none where it has ended. */
  pids(name: ApplianceName): number[];
  /** When it was started last, on the monotonic clock. */
  startedAt(name: ApplianceName): number;
}

function runDaemons(world: World, { launch }: PeerDaemons): RunningPeer {
  const children = { lb1: launch("lb1"), lb2: launch("lb2") };
  const startedAt = { lb1: monotonicMs(), lb2: monotonicMs() };
  const start = (name: ApplianceName) => {
    children[name] = launch(name);
    startedAt[name] = monotonicMs();
  };
  const pids = (name: ApplianceName) => {
    const { pid } = children[name];
    const mine = hasEnded(children[name]) || pid === undefined ? [] : processTree(pid);
    return mine.length > 0 ? mine : processesIn(world.namespace(name));
  };
  return {
    world,
    start,
    pids,
    startedAt: (name) => startedAt[name],
    async kill(name) {
      // Stopped first: a living parent starts its child again, a living child clears up.
      const running = pids(name);
      signalAll(running, "SIGSTOP");
      signalAll(running, "SIGKILL");
      await endProcess(children[name], "SIGKILL");
    },
    end: (name) => endProcess(children[name]),
    async wake() {
      await world.cables.heal();
      for (const name of APPLIANCES) {
        const running = pids(name);
        if (running.length === 0) start(name);
        else signalAll(running, "SIGCONT");
      }
    },
  };
}

/** A pair of daemons in a world whose appliances forward by static rules; settled. */
export async function startPeer(
  product: Product,
  floatingIps: number,
  prepare: (world: World) => Promise<PeerDaemons>,
  waysOf: (peer: RunningPeer) => PeerWays,
): Promise<RunningPair> {
  const world = await createBenchWorld({ floatingIps });
  let logs: readonly string[] = [];
  try {
    await loadStaticRules(world);
    const daemons = await prepare(world);
    logs = daemons.logs;
    const peer = runDaemons(world, daemons);
    const pair: RunningPair = {
      product,
      world,
      ...waysOf(peer),
      activeNow: () => waitOneHolder(world, 0, ONE_ACTIVE_MS_MAX),
      freeze: (name) => signalAll(peer.pids(name), "SIGSTOP"),
      thaw: (name) => signalAll(peer.pids(name), "SIGCONT"),
      kill: peer.kill,
      restart: async (name) => peer.start(name),
      pids: peer.pids,
      decidedAtMs: async () => undefined,
      evidence: () => lastLines(logs),
      stop: () => world.destroy(),
    };
    await pair.settle();
    return pair;
  } catch (error) {
    const said = await lastLines(logs);
    await world.destroy();
    throw new Error(`${error instanceof Error ? error.message : error}\n${said}`);
  }
}

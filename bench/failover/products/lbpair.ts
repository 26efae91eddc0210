// lbpair.ts — the product itself, in whatever timings.
import { type HeartbeatStatus, parseDuration } from "@lbpair/common";
import {
  APPLIANCES,
  type ApplianceName,
  activeNodes,
  DAEMONS,
  DEFAULT_SETTINGS,
  isSettled,
  monotonicMs,
  type PairView,
  type Timings,
  type World,
  waitForPair,
} from "@lbpair/lab";
import { pause } from "../watch.js";
import { createBenchWorld } from "../world/bench-world.js";
import { processTree } from "../world/process-tree.js";
import { lastLines } from "./peer-pair.js";
import type { Product, RunningPair } from "./product.js";

export interface LbpairSetting {
  readonly name: string;
  readonly title: string;
  readonly timings: Partial<Timings>;
  /** More keys of services.yaml's `heartbeat` section. */
  readonly more?: Readonly<Record<string, unknown>>;
}

const START_MS_MAX = 60_000;
const ONE_ACTIVE_MS_MAX = 10_000;
const ASK_AGAIN_MS = 50;
const HAND_OVER_MS_MAX = 20_000;
const EVENTS = 60;
/** The stories of the latest changes of the role. */
const WHY = ["1", "2", "3"].map((n) => ["why", n]);

/** Every service is served by its own servers on both nodes. */
const isServing = (pair: PairView): boolean =>
  APPLIANCES.every(
    (name) => pair[name].forwarder?.services.every((service) => !service.onFallback) === true,
  );

async function settle(world: World): Promise<ApplianceName> {
  await world.cables.heal();
  for (const name of APPLIANCES) {
    for (const daemon of DAEMONS) {
      const { frozen, leftDead } = world.appliances[name].view(daemon);
      if (frozen) world.appliances[name].thaw(daemon);
      if (leftDead) world.appliances[name].start(daemon);
    }
  }
  const well = (view: PairView) => isSettled(view) && isServing(view);
  const pair = await waitForPair(world, "a pair that is well", well, START_MS_MAX);
  return activeNodes(pair)[0] ?? "lb1";
}

/** So often the daemon is asked since when it has been active: each answer narrows the moment down. */
const ASKED = 20;

/** By its own word, the moment of the decision: before anything was raised or announced. */
async function decidedAtMs(world: World, name: ApplianceName): Promise<number | undefined> {
  let earliest = Number.NEGATIVE_INFINITY;
  let latest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ASKED; i += 1) {
    const asked = monotonicMs();
    const status = (await world.appliances[name].ask(
      "heartbeat",
      "GET /status",
    )) as HeartbeatStatus;
    if (status.condition !== "active") return undefined;
    earliest = Math.max(earliest, asked - status.sinceMs);
    latest = Math.min(latest, monotonicMs() - status.sinceMs);
  }
  return (earliest + latest) / 2;
}

function runningPair(product: Product, world: World): RunningPair {
  const daemon = (name: ApplianceName) => world.appliances[name];
  return {
    product,
    world,
    settle: () => settle(world),
    async activeNow() {
      const one = (view: PairView) => activeNodes(view).length === 1;
      const view = await waitForPair(world, "one active", one, ONE_ACTIVE_MS_MAX);
      return activeNodes(view)[0] ?? "lb1";
    },
    revive: (name) => world.cables.plug(name),
    freeze: (name) => daemon(name).freeze("heartbeat"),
    thaw: (name) => daemon(name).thaw("heartbeat"),
    kill: (name) => daemon(name).kill("heartbeat", { leaveDead: true }),
    async restart(name) {
      daemon(name).start("heartbeat");
    },
    async handOver(to) {
      const designation = to === "lb1" ? "primary" : "secondary";
      await daemon(to).ask("heartbeat", "POST /make-active", { designation }, HAND_OVER_MS_MAX);
    },
    pids(name) {
      const { pid } = daemon(name).view("heartbeat");
      return pid === undefined ? [] : processTree(pid);
    },
    // Its status, again as soon as it has answered.
    async exercise(name, signal) {
      while (!signal.aborted) {
        await daemon(name)
          .ask("heartbeat", "GET /status")
          .catch(() => pause(ASK_AGAIN_MS));
      }
    },
    decidedAtMs: (name) => decidedAtMs(world, name),
    async evidence() {
      const asked = [["events", "--limit", `${EVENTS}`], ["why", "--list"], ...WHY];
      const answers: string[] = [];
      for (const words of asked) {
        const { stdout, stderr } = await world.cli("lb1", words);
        answers.push(`$ lbpair ${words.join(" ")}\n${stdout}${stderr}`);
      }
      return answers.join("\n");
    },
    stop: () => world.destroy(),
  };
}

export function lbpair(setting: LbpairSetting): Product {
  const timings: Timings = { ...DEFAULT_SETTINGS.timings, ...setting.timings, ...setting.more };
  const product: Product = {
    name: setting.name,
    kind: "lbpair",
    title: setting.title,
    deadtimeMs: parseDuration(timings.deadtime) ?? 0,
    missing: async () => undefined,
    async start(floatingIps) {
      const world = await createBenchWorld({ timings, floatingIps });
      try {
        await Promise.all(APPLIANCES.map((name) => world.appliances[name].powerOn()));
        await settle(world);
        return runningPair(product, world);
      } catch (error) {
        const logs = APPLIANCES.map((name) => `${world.appliances[name].logFolder}/heartbeat.log`);
        const said = await lastLines(logs);
        await world.destroy();
        throw new Error(`${error instanceof Error ? error.message : error}\n${said}`);
      }
    },
  };
  return product;
}

// linux-ha.ts — Debian's Linux-HA heartbeat in its own mount and host-name namespaces, addresses by IPaddr2.
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mustRun, runCommand } from "@lbpair/common";
import {
  ADDRESSES,
  APPLIANCES,
  type ApplianceName,
  endProcess,
  GATEWAY,
  hasEnded,
  startInNamespace,
  VIP,
  type World,
} from "@lbpair/lab";
import { createBenchWorld, moreFloatingIps } from "../world/bench-world.js";
import { processTree } from "../world/process-tree.js";
import { loadStaticRules } from "../world/static-rules.js";
import { lastLines, signalTree, waitHolder, waitOneHolder } from "./peer-pair.js";
import type { Product, RunningPair } from "./product.js";

const PROGRAM = "/usr/libexec/heartbeat/heartbeat";
const STANDBY = "/usr/share/heartbeat/hb_standby";
/** It takes up to half a minute to heal itself after a split, and ten seconds to start. */
const ONE_ACTIVE_MS_MAX = 10_000;
const HEAL_MS_MAX = 35_000;
const SETTLE_MS_MAX = 90_000;
const SWITCH_MS_MAX = 60_000;
const ORDERS = 3;
const ORDER_MS = 20_000;
/** After its start a node takes no part in a switch for so long (its own initial acquisition). */
const JOIN_MS = 12_000;

export interface LinuxHaSetting {
  readonly name: string;
  readonly title: string;
  readonly keepaliveMs: number;
  readonly deadtimeMs: number;
}

/** $1 configuration folder, $2 folder of what it remembers, $3 host name. */
const START = [
  "mount -t tmpfs tmpfs /run",
  "mkdir -p /run/heartbeat/ccm /run/heartbeat/crm /run/heartbeat/dopd /run/lock/subsys",
  "chown -R hacluster:haclient /run/heartbeat",
  'mount --bind "$1" /etc/ha.d',
  'mount --bind "$2" /var/lib/heartbeat',
  'hostname "$3"',
  // It wants its memory locked, and goes on without where that is not permitted.
  "{ ulimit -l unlimited 2>/dev/null || true; }",
  `exec ${PROGRAM} -f`,
].join(" && ");

const folderOf = (world: World, name: ApplianceName): string =>
  join(world.folder, `linux-ha-${name}`);
const logOf = (world: World, name: ApplianceName): string => join(folderOf(world, name), "log");
const saidOf = (world: World, name: ApplianceName): string => join(folderOf(world, name), "said");
const logs = (world: World): string[] =>
  APPLIANCES.flatMap((name) => [saidOf(world, name), logOf(world, name)]);

async function writeFiles(
  world: World,
  name: ApplianceName,
  setting: LinuxHaSetting,
  floatingIps: number,
): Promise<void> {
  const folder = folderOf(world, name);
  const peer = name === "lb1" ? "lb2" : "lb1";
  await mkdir(folder, { recursive: true });
  await cp("/etc/ha.d", join(folder, "ha.d"), { recursive: true });
  await cp("/var/lib/heartbeat", join(folder, "lib"), { recursive: true });
  const etc = (file: string): string => join(folder, "ha.d", file);
  const lines = [
    `logfile ${logOf(world, name)}`,
    `keepalive ${setting.keepaliveMs}ms`,
    `warntime ${Math.round(setting.deadtimeMs / 2)}ms`,
    `deadtime ${setting.deadtimeMs}ms`,
    // It refuses less.
    "initdead 5",
    "auto_failback off",
    `ucast eth1 ${ADDRESSES.front[peer]}`,
    `ucast eth0 ${ADDRESSES.back[peer]}`,
    "node lb1 lb2",
  ];
  await writeFile(etc("ha.cf"), `${lines.join("\n")}\n`);
  const more = moreFloatingIps(floatingIps - 1).map((address) => `IPaddr2::${address}/32/eth1`);
  const resources = [`IPaddr2::${VIP}/32/eth1`, `IPaddr2::${GATEWAY}/32/eth0`, ...more];
  await writeFile(etc("haresources"), `lb1 ${resources.join(" ")}\n`);
  await writeFile(etc("authkeys"), "auth 1\n1 sha1 a-key-of-the-bench\n");
  await chmod(etc("authkeys"), 0o600);
}

function launch(world: World, name: ApplianceName): ChildProcess {
  const folder = folderOf(world, name);
  const words = [join(folder, "ha.d"), join(folder, "lib"), name];
  const argv = ["unshare", "--mount", "--uts", "bash", "-c", START, "start", ...words];
  return startInNamespace(world.namespace(name), argv, { logFile: saidOf(world, name) });
}

/** As a reboot leaves it: no address, nothing that still waits for an answer. */
async function clearAddresses(world: World, name: ApplianceName): Promise<void> {
  const argv = ["ip", "-n", world.namespace(name), "-batch", "-"];
  const lines = [
    `addr del ${VIP}/32 dev eth1`,
    `addr del ${GATEWAY}/32 dev eth0`,
    "neigh flush all",
  ];
  await runCommand([...argv, "-force"], { input: `${lines.join("\n")}\n` });
}

function runningPair(
  product: Product,
  world: World,
  children: Record<ApplianceName, ChildProcess>,
): RunningPair {
  const startedAt: Record<ApplianceName, number> = { lb1: Date.now(), lb2: Date.now() };
  const start = (name: ApplianceName) => {
    children[name] = launch(world, name);
    startedAt[name] = Date.now();
  };
  const kill = async (name: ApplianceName) => {
    signalTree(children[name].pid, "SIGSTOP");
    signalTree(children[name].pid, "SIGKILL");
    await endProcess(children[name], "SIGKILL");
  };
  return {
    product,
    world,
    async settle() {
      await world.cables.heal();
      for (const name of APPLIANCES) {
        if (hasEnded(children[name])) start(name);
        else signalTree(children[name].pid, "SIGCONT");
      }
      const active = await waitOneHolder(world, 2000, HEAL_MS_MAX).catch(async () => {
        // Two that are both active stay so for good: an operator would reboot them.
        for (const name of APPLIANCES) {
          await kill(name);
          await clearAddresses(world, name);
          start(name);
        }
        return waitOneHolder(world, 2000, SETTLE_MS_MAX);
      });
      const youngest = Math.max(...Object.values(startedAt));
      const waitMs = Math.max(0, youngest + JOIN_MS - Date.now());
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      return active;
    },
    activeNow: () => waitOneHolder(world, 0, ONE_ACTIVE_MS_MAX),
    // With its daemon alive it would see a partition, and both sides would restart.
    async revive(name) {
      await kill(name);
      await clearAddresses(world, name);
      await world.cables.plug(name);
      start(name);
    },
    freeze: (name) => signalTree(children[name].pid, "SIGSTOP"),
    thaw: (name) => signalTree(children[name].pid, "SIGCONT"),
    kill,
    async restart(name) {
      start(name);
    },
    async handOver(to) {
      const from = to === "lb1" ? "lb2" : "lb1";
      const inside = ["nsenter", "-t", `${children[from].pid}`, "--mount", "--uts", "--net"];
      // While it still counts its resources as in transition it drops the order, and says nothing.
      for (let left = ORDERS; left > 0; left -= 1) {
        await mustRun(runCommand, [...inside, STANDBY, "all"]);
        const patienceMs = left === 1 ? SWITCH_MS_MAX : ORDER_MS;
        const done = await waitHolder(world, to, patienceMs).then(
          () => true,
          (error: unknown) => {
            if (left === 1) throw error;
            return false;
          },
        );
        if (done) return;
      }
    },
    pids: (name) => processTree(children[name].pid ?? 0),
    exercise: undefined,
    decidedAtMs: async () => undefined,
    evidence: () => lastLines(logs(world)),
    stop: () => world.destroy(),
  };
}

export function linuxHa(setting: LinuxHaSetting): Product {
  const product: Product = {
    name: setting.name,
    kind: "heartbeat",
    title: setting.title,
    deadtimeMs: setting.deadtimeMs,
    missing: async () => (existsSync(PROGRAM) ? undefined : `${PROGRAM} is not installed`),
    async start(floatingIps) {
      const world = await createBenchWorld({ floatingIps });
      try {
        await loadStaticRules(world);
        for (const name of APPLIANCES) await writeFiles(world, name, setting, floatingIps);
        const children = { lb1: launch(world, "lb1"), lb2: launch(world, "lb2") };
        const pair = runningPair(product, world, children);
        await pair.settle();
        return pair;
      } catch (error) {
        const said = await lastLines(logs(world));
        await world.destroy();
        throw new Error(`${error instanceof Error ? error.message : error}\n${said}`);
      }
    },
  };
  return product;
}

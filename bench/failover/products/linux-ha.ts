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
  GATEWAY,
  monotonicMs,
  otherNode,
  startInNamespace,
  VIP,
  type World,
} from "@lbpair/lab";
import { pause } from "../watch.js";
import { moreFloatingIps } from "../world/bench-world.js";
import {
  type PeerWays,
  type RunningPeer,
  startPeer,
  waitHolder,
  waitOneHolder,
} from "./peer-pair.js";
import type { Product } from "./product.js";

const PROGRAM = "/usr/libexec/heartbeat/heartbeat";
const STANDBY = "/usr/share/heartbeat/hb_standby";
/** It takes up to half a minute to heal itself after a split, and ten seconds to start. */
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
  const peer = otherNode(name);
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

/** Tells it to switch, again where it drops the order: while it counts its resources as in transition it says nothing. */
async function order(peer: RunningPeer, to: ApplianceName): Promise<void> {
  for (let left = ORDERS; left > 0; left -= 1) {
    const [pid] = peer.pids(otherNode(to));
    const inside = ["nsenter", "-t", `${pid}`, "--mount", "--uts", "--net"];
    await mustRun(runCommand, [...inside, STANDBY, "all"]);
    try {
      return await waitHolder(peer.world, to, left === 1 ? SWITCH_MS_MAX : ORDER_MS);
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}

function ways(peer: RunningPeer): PeerWays {
  const { world, wake, kill, start, startedAt } = peer;
  return {
    async settle() {
      await wake();
      const active = await waitOneHolder(world, 2000, HEAL_MS_MAX).catch(async () => {
        // Two that are both active stay so for good: an operator would reboot them.
        for (const name of APPLIANCES) {
          await kill(name);
          await clearAddresses(world, name);
          start(name);
        }
        return waitOneHolder(world, 2000, SETTLE_MS_MAX);
      });
      const youngest = Math.max(...APPLIANCES.map(startedAt));
      await pause(Math.max(0, youngest + JOIN_MS - monotonicMs()));
      return active;
    },
    // With its daemon alive it would see a partition, and both sides would restart.
    async revive(name) {
      await kill(name);
      await clearAddresses(world, name);
      await world.cables.plug(name);
      start(name);
    },
    handOver: (to) => order(peer, to),
  };
}

export function linuxHa(setting: LinuxHaSetting): Product {
  const product: Product = {
    name: setting.name,
    kind: "heartbeat",
    title: setting.title,
    deadtimeMs: setting.deadtimeMs,
    missing: async () => (existsSync(PROGRAM) ? undefined : `${PROGRAM} is not installed`),
    start: (floatingIps) =>
      startPeer(
        product,
        floatingIps,
        async (world) => {
          for (const name of APPLIANCES) await writeFiles(world, name, setting, floatingIps);
          return { logs: logs(world), launch: (name) => launch(world, name) };
        },
        ways,
      ),
  };
  return product;
}

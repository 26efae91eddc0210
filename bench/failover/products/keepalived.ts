// keepalived.ts — Debian's keepalived: VIP and gateway in one sync group, unicast, no preemption.
import type { ChildProcess } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
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

const PROGRAM = "/usr/sbin/keepalived";
const PRIORITY: Readonly<Record<ApplianceName, number>> = { lb1: 150, lb2: 100 };
const ONE_ACTIVE_MS_MAX = 10_000;
const SETTLE_MS_MAX = 90_000;
const SWITCH_MS_MAX = 20_000;

export interface KeepalivedSetting {
  readonly name: string;
  readonly title: string;
  readonly advertMs: number;
  /** Addresses on a macvlan with VRRP's own MAC (use_vmac). */
  readonly virtualMac?: boolean;
}

function instance(
  setting: KeepalivedSetting,
  name: ApplianceName,
  network: "front" | "back",
  extra: readonly string[],
): string[] {
  const [link, address, id] =
    network === "front" ? ["eth1", VIP, 66] : (["eth0", GATEWAY, 67] as const);
  const peer = name === "lb1" ? "lb2" : "lb1";
  const dev = setting.virtualMac === true ? "" : ` dev ${link}`;
  const vmac =
    setting.virtualMac === true ? [`  use_vmac vrrp-${network}`, "  vmac_xmit_base"] : [];
  // An advert cannot carry a thousand addresses; those excluded from it move all the same.
  const excluded = extra.map((each) => `    ${each}/32${dev}`);
  return [
    `vrrp_instance ${network} {`,
    "  state BACKUP",
    "  nopreempt",
    `  interface ${link}`,
    ...vmac,
    `  virtual_router_id ${id}`,
    `  priority ${PRIORITY[name]}`,
    `  advert_int ${setting.advertMs / 1000}`,
    `  unicast_src_ip ${ADDRESSES[network][name]}`,
    `  unicast_peer { ${ADDRESSES[network][peer]} }`,
    `  virtual_ipaddress { ${address}/32${dev} }`,
    ...(excluded.length === 0 ? [] : ["  virtual_ipaddress_excluded {", ...excluded, "  }"]),
    "}",
  ];
}

// Version 3 of the protocol counts in hundredths of a second.
const configuration = (setting: KeepalivedSetting, name: ApplianceName, floatingIps: number) =>
  [
    "global_defs { vrrp_version 3 }",
    "vrrp_sync_group both { group { front back } }",
    ...instance(setting, name, "front", moreFloatingIps(floatingIps - 1)),
    ...instance(setting, name, "back", []),
    "",
  ].join("\n");

interface Started {
  readonly world: World;
  readonly children: Record<ApplianceName, ChildProcess>;
  start(name: ApplianceName): void;
  log(name: ApplianceName): string;
}

async function startBoth(setting: KeepalivedSetting, floatingIps: number): Promise<Started> {
  const world = await createBenchWorld({ floatingIps });
  const file = (name: ApplianceName) => join(world.folder, `keepalived-${name}.conf`);
  const log = (name: ApplianceName) => join(world.folder, `keepalived-${name}.log`);
  const launch = (name: ApplianceName) => {
    const pidFiles = ["pid", "vrrp_pid"].map((kind) => ({ kind, path: `${file(name)}.${kind}` }));
    // Of a killed run: while its pid is still known, the next one believes it to be alive, and ends.
    for (const { path } of pidFiles) rmSync(path, { force: true });
    const pids = pidFiles.map(({ kind, path }) => `--${kind}=${path}`);
    const argv = [PROGRAM, "--vrrp", "--dont-fork", "--log-console"];
    return startInNamespace(world.namespace(name), [...argv, "-f", file(name), ...pids], {
      logFile: log(name),
    });
  };
  try {
    await loadStaticRules(world);
    for (const name of APPLIANCES) {
      await writeFile(file(name), configuration(setting, name, floatingIps), { mode: 0o600 });
    }
    const children = { lb1: launch("lb1"), lb2: launch("lb2") };
    const start = (name: ApplianceName) => {
      children[name] = launch(name);
    };
    return { world, children, start, log };
  } catch (error) {
    await world.destroy();
    throw error;
  }
}

function runningPair(product: Product, setting: KeepalivedSetting, started: Started): RunningPair {
  const { world, children, start, log } = started;
  const quietMs = Math.max(1000, 5 * setting.advertMs);
  const settle = async () => {
    await world.cables.heal();
    for (const name of APPLIANCES) {
      if (hasEnded(children[name])) start(name);
      else signalTree(children[name].pid, "SIGCONT");
    }
    return waitOneHolder(world, quietMs, SETTLE_MS_MAX);
  };
  const pair: RunningPair = {
    product,
    world,
    settle,
    activeNow: () => waitOneHolder(world, 0, ONE_ACTIVE_MS_MAX),
    revive: (name) => world.cables.plug(name),
    freeze: (name) => signalTree(children[name].pid, "SIGSTOP"),
    thaw: (name) => signalTree(children[name].pid, "SIGCONT"),
    async kill(name) {
      // Stopped first: a living parent starts its child again, a living child clears up.
      signalTree(children[name].pid, "SIGSTOP");
      signalTree(children[name].pid, "SIGKILL");
      await endProcess(children[name], "SIGKILL");
    },
    async restart(name) {
      start(name);
    },
    async handOver(to) {
      const from = to === "lb1" ? "lb2" : "lb1";
      await endProcess(children[from]);
      await waitHolder(world, to, SWITCH_MS_MAX);
    },
    pids: (name) => processTree(children[name].pid ?? 0),
    exercise: undefined,
    decidedAtMs: async () => undefined,
    evidence: () => lastLines(APPLIANCES.map(log)),
    stop: () => world.destroy(),
  };
  return pair;
}

export function keepalived(setting: KeepalivedSetting): Product {
  const product: Product = {
    name: setting.name,
    kind: "keepalived",
    title: setting.title,
    // RFC 5798, 6.1: three adverts and the skew of the standby with the lower priority.
    deadtimeMs: setting.advertMs * (3 + (256 - PRIORITY.lb2) / 256),
    missing: async () => (existsSync(PROGRAM) ? undefined : `${PROGRAM} is not installed`),
    async start(floatingIps) {
      const started = await startBoth(setting, floatingIps);
      const pair = runningPair(product, setting, started);
      try {
        await pair.settle();
        return pair;
      } catch (error) {
        const said = await pair.evidence();
        await pair.stop();
        throw new Error(`${error instanceof Error ? error.message : error}\n${said}`);
      }
    },
  };
  return product;
}

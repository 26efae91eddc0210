// keepalived.ts — Debian's keepalived: VIP and gateway in one sync group, unicast, no preemption.
import { existsSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ADDRESSES,
  APPLIANCES,
  type ApplianceName,
  GATEWAY,
  otherNode,
  startInNamespace,
  VIP,
  type World,
} from "@lbpair/lab";
import { moreFloatingIps } from "../world/bench-world.js";
import {
  type PeerDaemons,
  type PeerWays,
  type RunningPeer,
  startPeer,
  waitHolder,
  waitOneHolder,
} from "./peer-pair.js";
import type { Product } from "./product.js";

const PROGRAM = "/usr/sbin/keepalived";
const PRIORITY: Readonly<Record<ApplianceName, number>> = { lb1: 150, lb2: 100 };
const HEAL_MS_MAX = 20_000;
const SETTLE_MS_MAX = 60_000;
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
  const peer = otherNode(name);
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

async function prepare(
  setting: KeepalivedSetting,
  floatingIps: number,
  world: World,
): Promise<PeerDaemons> {
  const file = (name: ApplianceName) => join(world.folder, `keepalived-${name}.conf`);
  const log = (name: ApplianceName) => join(world.folder, `keepalived-${name}.log`);
  for (const name of APPLIANCES) {
    await writeFile(file(name), configuration(setting, name, floatingIps), { mode: 0o600 });
  }
  return {
    logs: APPLIANCES.map(log),
    launch(name) {
      const pidFiles = ["pid", "vrrp_pid"].map((kind) => ({ kind, path: `${file(name)}.${kind}` }));
      // Of a killed run: while its pid is still known, the next one believes it to be alive, and ends.
      for (const { path } of pidFiles) rmSync(path, { force: true });
      const pids = pidFiles.map(({ kind, path }) => `--${kind}=${path}`);
      const argv = [PROGRAM, "--vrrp", "--dont-fork", "--log-console"];
      return startInNamespace(world.namespace(name), [...argv, "-f", file(name), ...pids], {
        logFile: log(name),
      });
    },
  };
}

function ways(
  { world, wake, start, kill, end }: RunningPeer,
  setting: KeepalivedSetting,
): PeerWays {
  const quietMs = Math.max(1000, 5 * setting.advertMs);
  return {
    async settle() {
      await wake();
      return waitOneHolder(world, quietMs, HEAL_MS_MAX).catch(async () => {
        // A node that acts on a backlog of adverts may do so for minutes: an operator would restart both.
        for (const name of APPLIANCES) await kill(name);
        for (const name of APPLIANCES) start(name);
        return waitOneHolder(world, quietMs, SETTLE_MS_MAX);
      });
    },
    revive: (name) => world.cables.plug(name),
    async handOver(to) {
      await end(otherNode(to));
      await waitHolder(world, to, SWITCH_MS_MAX);
    },
  };
}

export function keepalived(setting: KeepalivedSetting): Product {
  const product: Product = {
    name: setting.name,
    kind: "keepalived",
    title: setting.title,
    // RFC 5798, 6.1: three adverts and the skew of the standby with the lower priority.
    deadtimeMs: setting.advertMs * (3 + (256 - PRIORITY.lb2) / 256),
    missing: async () => (existsSync(PROGRAM) ? undefined : `${PROGRAM} is not installed`),
    start: (floatingIps) =>
      startPeer(
        product,
        floatingIps,
        (world) => prepare(setting, floatingIps, world),
        (peer) => ways(peer, setting),
      ),
  };
  return product;
}

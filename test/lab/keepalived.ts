// keepalived.ts — the same address carried by two keepalived, to show that the observer sees what it must see.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "@lbpair/common";
import { APPLIANCES, type ApplianceName, VIP, type World } from "@lbpair/lab";

const PROGRAM = "/usr/sbin/keepalived";

export const keepalivedMissing = (): string | undefined =>
  existsSync(PROGRAM) ? undefined : `${PROGRAM} is not installed`;

const configuration = (name: ApplianceName): string =>
  [
    "vrrp_instance VIP {",
    `  state ${name === "lb1" ? "MASTER" : "BACKUP"}`,
    "  interface eth1",
    "  virtual_router_id 66",
    `  priority ${name === "lb1" ? 150 : 100}`,
    "  advert_int 1",
    `  virtual_ipaddress { ${VIP}/32 dev eth1 }`,
    "}",
    "",
  ].join("\n");

export interface KeepalivedPair {
  holds(name: ApplianceName): Promise<boolean>;
  /** SIGKILL to every process of one node's keepalived. */
  kill(name: ApplianceName): Promise<void>;
}

async function start(world: World, name: ApplianceName): Promise<ChildProcess> {
  const file = join(world.folder, `keepalived-${name}.conf`);
  await writeFile(file, configuration(name), { mode: 0o600 });
  const pids = ["pid", "vrrp_pid"].map((kind) => `--${kind}=${file}.${kind}`);
  const argv = [PROGRAM, "--vrrp", "--dont-fork", "--log-console", "-f", file, ...pids];
  const inside = ["--pdeathsig", "KILL", "ip", "netns", "exec", world.namespace(name)];
  return spawn("setpriv", [...inside, ...argv], { stdio: "ignore" });
}

/** Starts both, in a world whose appliances are not powered on; the world's end is theirs too. */
export async function startKeepalived(world: World): Promise<KeepalivedPair> {
  await Promise.all(APPLIANCES.map((name) => start(world, name)));
  return {
    async holds(name) {
      const { stdout } = await world.exec(name, ["ip", "-br", "addr", "show", "dev", "eth1"]);
      return stdout.includes(`${VIP}/32`);
    },
    async kill(name) {
      const { stdout } = await runCommand(["ip", "netns", "pids", world.namespace(name)]);
      // The child first: it would clear up, and its parent would start another.
      const pids = stdout.split(/\s+/).filter((word) => word !== "");
      for (const pid of pids.map(Number).sort((a, b) => b - a)) process.kill(pid, "SIGKILL");
    },
  };
}

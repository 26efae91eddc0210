// forwarder-world.ts — the reference deployment around one or two forwarders, in network namespaces.
import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AppliancePaths,
  appliancePaths,
  controlRequest,
  type ForwarderStatus,
  mustRun,
  type RunResult,
  runCommand,
} from "@lbpair/common";

export const VIP = "192.168.200.100";
export const GATEWAY = "192.168.100.254";
export const CLIENT = "192.168.200.50";
export const PRIMARY = "192.168.100.110";
export const FALLBACK = "192.168.100.120";
export const PORTS = [12000, 12100, 12200, 12300, 12301, 12800, 12950] as const;

const ROOT = new URL("../../..", import.meta.url).pathname;
const DAEMON = join(ROOT, "packages/forwarder/dist/main.js");

/** Why kernel tests cannot run here; undefined where they can. */
export const notHere = (): string | undefined =>
  process.getuid?.() === 0 ? undefined : "SKIPPED, NOT TESTED: network namespaces need root";

export type NodeName = "a" | "b";
export type HostName = "client" | "primary" | "fallback" | NodeName;

export const namespaceOf = (host: HostName | "switch"): string => `lbt-${process.pid}-f${host}`;

/** A command inside a host's namespace; throws where it fails. */
export const inside = (host: HostName, ...argv: string[]): Promise<RunResult> =>
  mustRun(runCommand, ["ip", "netns", "exec", namespaceOf(host), ...argv]);

/** The same, whatever its exit code. */
export const tryInside = (host: HostName, ...argv: string[]): Promise<RunResult> =>
  runCommand(["ip", "netns", "exec", namespaceOf(host), ...argv]);

export async function nftInside(host: HostName, input: string): Promise<void> {
  await mustRun(runCommand, ["ip", "netns", "exec", namespaceOf(host), "nft", "-f", "-"], {
    input,
  });
}

const LINKS: readonly (readonly [HostName, string, "front" | "back", string])[] = [
  ["client", "eth0", "front", `${CLIENT}/24`],
  ["primary", "eth0", "back", `${PRIMARY}/24`],
  ["fallback", "eth0", "back", `${FALLBACK}/24`],
  ["a", "eth1", "front", "192.168.200.1/24"],
  ["a", "eth0", "back", "192.168.100.1/24"],
  ["b", "eth1", "front", "192.168.200.2/24"],
  ["b", "eth0", "back", "192.168.100.2/24"],
];

const batch = (host: HostName | "switch", lines: readonly string[]): Promise<RunResult> =>
  mustRun(runCommand, ["ip", "-n", namespaceOf(host), "-batch", "-"], {
    input: `${lines.join("\n")}\n`,
  });

async function createNetwork(): Promise<void> {
  const hosts = ["client", "primary", "fallback", "a", "b"] as const;
  for (const name of ["switch", ...hosts] as const) {
    await mustRun(runCommand, ["ip", "netns", "add", namespaceOf(name)]);
  }
  await batch("switch", [
    ...["front", "back"].flatMap((name) => [
      `link add ${name} type bridge stp_state 0 forward_delay 0`,
      `link set ${name} up`,
    ]),
  ]);
  for (const [host, link, network, address] of LINKS) {
    const port = `${host}-${link}`;
    await batch("switch", [
      `link add ${link} netns ${namespaceOf(host)} type veth peer name ${port}`,
      `link set ${port} master ${network} up`,
    ]);
    await batch(host, ["link set lo up", `addr add ${address} dev ${link}`, `link set ${link} up`]);
  }
  for (const server of ["primary", "fallback"] as const) {
    await batch(server, [`route add default via ${GATEWAY}`]);
  }
  await batch("client", ["route add 192.168.100.0/24 via 192.168.200.1"]);
}

/** Gives VIP and gateway to a node and lets the neighbours forget whom they knew. */
export async function raise(node: NodeName): Promise<void> {
  await batch(node, [`addr add ${VIP}/32 dev eth1`, `addr add ${GATEWAY}/32 dev eth0`]);
  for (const host of ["client", "primary", "fallback"] as const) {
    await inside(host, "ip", "neigh", "flush", "all");
  }
}

/** Takes VIP and gateway from a node; one that has none of them is left as it is. */
export async function lower(node: NodeName): Promise<void> {
  for (const [address, link] of [
    [VIP, "eth1"],
    [GATEWAY, "eth0"],
  ] as const) {
    await tryInside(node, "ip", "addr", "del", `${address}/32`, "dev", link);
  }
}

/** Puts a node's cables back. */
export const plug = (node: NodeName): Promise<RunResult> =>
  batch("switch", [`link set ${node}-eth0 up`, `link set ${node}-eth1 up`]);

/** Pulls both cables of a node. */
export const pull = (node: NodeName): Promise<RunResult> =>
  batch("switch", [`link set ${node}-eth0 down`, `link set ${node}-eth1 down`]);

export interface Appliance {
  readonly node: NodeName;
  readonly paths: AppliancePaths;
  /** Puts a configuration in its running revision; says nothing to the daemon. */
  write(services: string): Promise<void>;
  writeModes(modes: string): Promise<void>;
  start(): Promise<void>;
  /** Ends the daemon by a signal and waits for it. */
  end(signal: NodeJS.Signals): Promise<void>;
  ask(route: string, body?: unknown): Promise<unknown>;
  status(): Promise<ForwarderStatus>;
}

export interface World {
  readonly a: Appliance;
  readonly b: Appliance;
  /** Starts a program in a host's namespace; it is killed with the world. */
  spawn(host: HostName, argv: readonly string[]): ChildProcess;
  close(): Promise<void>;
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Waits until `probe` answers truthfully; throws with `what` after `ms`. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  ms = 10_000,
): Promise<NonNullable<T>> {
  const end = Date.now() + ms;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}: ${String(error)}`, { cause: error });
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await pause(20);
  }
}

/** services.yaml of the reference deployment; `extra` replaces lines of the service by key. */
export function referenceServices(extra: Readonly<Record<string, string>> = {}): string {
  const lines: Record<string, string> = {
    address: VIP,
    ports: "[12000, 12100, 12200, 12300-12301, 12800, 12950]",
    realServers: `[ { label: PrimaryCluster, address: ${PRIMARY}, weight: 100 } ]`,
    fallback: `{ address: ${FALLBACK}, port: 0 }`,
    check: '{ type: "on" }',
    ...extra,
  };
  return [
    `floatingIps: [ { label: gateway, address: ${GATEWAY} } ]`,
    "virtualServices:",
    "  - label: VNA",
    ...Object.entries(lines)
      .filter(([, value]) => value !== "")
      .map(([key, value]) => `    ${key}: ${value}`),
    "",
  ].join("\n");
}

let serial = 0;

/** Puts a configuration in an appliance's running revision; answers with its folder. */
export async function writeRevision(paths: AppliancePaths, services: string): Promise<string> {
  serial += 1;
  const folder = join(paths.revisions, `${serial}-test`);
  await mkdir(join(folder, "health-checks"), { recursive: true });
  await writeFile(join(folder, "services.yaml"), services);
  const record = { serial, hash: "0123456789abcdef", author: "test", at: "", reason: "test" };
  await writeFile(join(folder, "revision.json"), JSON.stringify(record));
  await rm(paths.running, { force: true });
  await symlink(folder, paths.running);
  return folder;
}

async function createAppliance(node: NodeName, folder: string, world: World): Promise<Appliance> {
  const root = join(folder, node);
  const roots = { etc: join(root, "etc"), state: join(root, "state"), run: join(root, "run") };
  const paths = appliancePaths(roots);
  for (const each of Object.values(roots)) await mkdir(each, { recursive: true });
  await writeFile(
    paths.applianceFile,
    `node: { name: node-${node}, designation: ${node === "a" ? "primary" : "secondary"} }\n`,
  );
  let child: ChildProcess | undefined;
  const ask = (route: string, body?: unknown) =>
    controlRequest(paths.socket("forwarder"), route, body);
  const status = async () => (await ask("GET /status")) as ForwarderStatus;
  return {
    node,
    paths,
    ask,
    status,
    async write(services) {
      await writeRevision(paths, services);
    },
    writeModes: (modes) => writeFile(paths.modesFile, modes),
    async start() {
      const where = Object.entries(roots).flatMap(([key, value]) => [`--${key}`, value]);
      child = world.spawn(node, [process.execPath, DAEMON, ...where]);
      const { pid } = child;
      await until(
        "the forwarder answers and is ready",
        async () => {
          const now = await status();
          if (!now.ready) throw new Error(`${now.readyReason} ${JSON.stringify(now.problems)}`);
          return now.pid === pid;
        },
        30_000,
      );
    },
    async end(signal) {
      const ended = child;
      if (ended === undefined || ended.exitCode !== null || ended.signalCode !== null) return;
      const exited = new Promise((done) => ended.once("exit", done));
      ended.kill(signal);
      await exited;
    },
  };
}

/** Everything up: cables, both appliances' folders (no daemon yet), VIP and gateway on node a. */
export async function createWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "lbpair-forwarder-"));
  // Check scripts run as another user.
  await chmod(folder, 0o755);
  const children: ChildProcess[] = [];
  const appliances: Partial<Record<NodeName, Appliance>> = {};
  const world: World = {
    get a() {
      return appliances.a as Appliance;
    },
    get b() {
      return appliances.b as Appliance;
    },
    spawn(host, argv) {
      const line = ["netns", "exec", namespaceOf(host), ...argv];
      const child = spawn("ip", line, { stdio: ["pipe", "pipe", "inherit"] });
      child.stdout?.resume();
      children.push(child);
      return child;
    },
    async close() {
      for (const child of children) child.kill("SIGKILL");
      for (const name of ["client", "primary", "fallback", "a", "b", "switch"] as const) {
        await runCommand(["ip", "netns", "delete", namespaceOf(name)]);
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await createNetwork();
    appliances.a = await createAppliance("a", folder, world);
    appliances.b = await createAppliance("b", folder, world);
    await raise("a");
    return world;
  } catch (error) {
    await world.close();
    throw error;
  }
}

// bench-world.ts — the lab's two appliances with four real servers and one benched service, for any product.
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { mustRun, runCommand } from "@lbpair/common";
import {
  ADDRESSES,
  APPLIANCES,
  type ClusterName,
  createWorld,
  type HostName,
  startInNamespace,
  type Timings,
  VIP,
  type World,
} from "@lbpair/lab";

/** Port of the benched service, on the VIP and on every real server. */
export const BENCH_PORT = 13000;
/** The same for datagrams, which a server answers from its first address only: two servers. */
export const ECHO_PORT = 13001;

/** Two machines of each cluster serve it: several real servers, all of them in use. */
export const REAL_SERVERS: Readonly<Record<ClusterName, readonly string[]>> = {
  primary: [ADDRESSES.primary, "192.168.100.111"],
  fallback: [ADDRESSES.fallback, "192.168.100.121"],
};
export const ECHO_ADDRESSES = [ADDRESSES.primary, ADDRESSES.fallback];
export const SERVER_ADDRESSES = [...REAL_SERVERS.primary, ...REAL_SERVERS.fallback];

/** A second address of each host on the front network: 254 are too few for a thousand floating IPs. */
const WIDE: readonly {
  readonly host: HostName;
  readonly link: string;
  readonly address: string;
}[] = [
  { host: "lb1", link: "eth1", address: "10.77.0.1/16" },
  { host: "lb2", link: "eth1", address: "10.77.0.2/16" },
  { host: "front-watch", link: "eth1", address: "10.77.0.60/16" },
];

/** So many more floating IPs on the front network. */
export const moreFloatingIps = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `10.77.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`);

const SERVER = fileURLToPath(import.meta.resolve("@lbpair/lab")).replace(
  /index\.js$/,
  "servers/main.js",
);
const READY_MS_MAX = 15_000;

function whenReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("real server: not ready")), READY_MS_MAX);
    child.once("exit", (code) => reject(new Error(`real server: ended with code ${code}`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).once("line", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function startServers(world: World, name: ClusterName): Promise<void> {
  for (const address of REAL_SERVERS[name].slice(1)) {
    await world.exec(name, ["ip", "addr", "add", `${address}/24`, "dev", "eth0"]);
  }
  // The echo service's health check connects.
  const options = { name, tcpPorts: [BENCH_PORT, ECHO_PORT], udpPorts: [ECHO_PORT] };
  const argv = [process.execPath, SERVER, JSON.stringify(options)];
  await whenReady(startInNamespace(world.namespace(name), argv));
}

/** Slow, so that checks are not what the probes feel; the peers make none at all. */
const CHECK = { interval: "10s", timeout: "5s", failures: 3, successes: 1 };

const service = (label: string, port: number, protocol: string, addresses: readonly string[]) => ({
  label,
  address: VIP,
  ports: [port],
  protocol,
  realServers: addresses.map((address, i) => ({ label: `S${i + 1}`, address })),
  check: { type: "connect", ...CHECK },
});

export interface BenchWorldOptions {
  readonly timings?: Timings;
  /** Floating IPs on the front network, the VIP included. */
  readonly floatingIps: number;
}

/** Appliances are cabled and off. Whatever goes wrong, nothing is left behind. */
export async function createBenchWorld(options: BenchWorldOptions): Promise<World> {
  const world = await createWorld({
    check: CHECK,
    ...(options.timings === undefined ? {} : { timings: options.timings }),
    extraServices: [
      service("BENCH", BENCH_PORT, "tcp", SERVER_ADDRESSES),
      service("BENCH-ECHO", ECHO_PORT, "both", ECHO_ADDRESSES),
    ],
    extraFloatingIps: moreFloatingIps(options.floatingIps - 1),
  });
  try {
    for (const { host, link, address } of WIDE) {
      const argv = ["ip", "-n", world.namespace(host), "addr", "add", address, "dev", link];
      await mustRun(runCommand, argv);
    }
    await Promise.all([startServers(world, "primary"), startServers(world, "fallback")]);
    return world;
  } catch (error) {
    await world.destroy();
    throw error;
  }
}

/** Every address that an appliance's kernel holds now, by node. */
export async function heldAddresses(
  world: World,
): Promise<Record<(typeof APPLIANCES)[number], Set<string>>> {
  const held = await Promise.all(
    APPLIANCES.map(async (name) => {
      const argv = ["ip", "-n", world.namespace(name), "-4", "-o", "addr", "show"];
      const { stdout } = await runCommand(argv);
      return new Set([...stdout.matchAll(/inet ([\d.]+)\/32/g)].map((match) => match[1] ?? ""));
    }),
  );
  return { lb1: held[0] ?? new Set(), lb2: held[1] ?? new Set() };
}

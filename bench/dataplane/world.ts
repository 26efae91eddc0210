// world.ts — one client, one server, and between them a node for each product: all paths are made of the same links.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun, type Run, type RunResult, runCommand } from "@lbpair/common";

export const HTTP_PORT = 80;
export const IPERF_PORT = 5201;
export const PORTS = [HTTP_PORT, IPERF_PORT] as const;
/** Addresses of the server's on each path; all are one machine. */
const SERVERS = [2, 3, 4] as const;

/** A path of its own through the node of one product. */
export interface Path {
  readonly node: Host;
  /** What clients ask: the node's, or the server's own where the node only routes. */
  readonly vip: string;
  readonly servers: readonly string[];
  readonly gateway: string;
}

export interface Host {
  readonly namespace: string;
  readonly run: Run;
  must(...argv: string[]): Promise<RunResult>;
  nft(rules: string): Promise<void>;
  /** Starts a program that is ended with the world. */
  spawn(argv: readonly string[]): ChildProcess;
}

export interface World {
  readonly client: Host;
  readonly server: Host;
  /** For files of daemons; removed at the end. */
  readonly folder: string;
  addPath(): Promise<Path>;
  remove(): Promise<void>;
}

/** Each connection has a port of its own for long enough, and refused ones are not held back. */
const SETTINGS = ["net.ipv4.ip_local_port_range=1024 65000", "net.core.somaxconn=4096"];

function createHost(name: string, children: ChildProcess[]): Host {
  const namespace = `lbt-${process.pid}-${name}`;
  const within = ["ip", "netns", "exec", namespace];
  const run: Run = (argv, options) => runCommand([...within, ...argv], options);
  return {
    namespace,
    run,
    must: (...argv) => mustRun(run, argv),
    async nft(rules) {
      await mustRun(run, ["nft", "-f", "-"], { input: rules });
    },
    spawn(argv) {
      const [command = "", ...words] = [...within, ...argv];
      const child = spawn(command, words, { stdio: ["ignore", "ignore", "inherit"] });
      children.push(child);
      return child;
    },
  };
}

const batch = (host: Host, lines: readonly string[]): Promise<RunResult> =>
  mustRun(runCommand, ["ip", "-n", host.namespace, "-batch", "-"], {
    input: `${lines.join("\n")}\n`,
  });

export async function createWorld(): Promise<World> {
  const children: ChildProcess[] = [];
  const hosts: Host[] = [];
  const folder = await mkdtemp(join(tmpdir(), "lbpair-dataplane-"));
  const addHost = async (name: string): Promise<Host> => {
    const host = createHost(name, children);
    await mustRun(runCommand, ["ip", "netns", "add", host.namespace]);
    hosts.push(host);
    await batch(host, ["link set lo up"]);
    return host;
  };
  const client = await addHost("client");
  const server = await addHost("server");
  for (const host of [client, server]) await host.must("sysctl", "-q", "-w", ...SETTINGS);
  const addPath = async (): Promise<Path> => {
    const number = hosts.length;
    const node = await addHost(`node${number}`);
    const net = `10.${number}`;
    const servers = SERVERS.map((last) => `${net}.1.${last}`);
    await batch(node, [
      `link add front type veth peer name path${number} netns ${client.namespace}`,
      `link add back type veth peer name path${number} netns ${server.namespace}`,
      `addr add ${net}.0.1/24 dev front`,
      `addr add ${net}.0.100/32 dev front`,
      `addr add ${net}.1.1/24 dev back`,
      `addr add ${net}.1.254/32 dev back`,
      "link set front up",
      "link set back up",
    ]);
    await batch(client, [
      `addr add ${net}.0.50/24 dev path${number}`,
      `link set path${number} up`,
      `route add ${net}.1.0/24 via ${net}.0.1`,
    ]);
    await batch(server, [
      ...servers.map((address) => `addr add ${address}/24 dev path${number}`),
      `link set path${number} up`,
      `route add ${net}.0.0/24 via ${net}.1.254`,
    ]);
    await node.must("sysctl", "-q", "-w", "net.ipv4.ip_forward=1");
    return { node, vip: `${net}.0.100`, servers, gateway: `${net}.1.254` };
  };
  return {
    client,
    server,
    folder,
    addPath,
    async remove() {
      for (const child of children) child.kill("SIGKILL");
      for (const { namespace } of hosts) await runCommand(["ip", "netns", "delete", namespace]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// network.ts — three network namespaces in a row: clients, the forwarder's node, real servers.
import { type Run, runCommand } from "@lbpair/common";
import { CLIENTS, FALLBACK_ADDRESSES, GATEWAY, SERVER_ADDRESSES, VIPS } from "./setup.js";

export const HOSTS = ["clients", "node", "servers"] as const;
export type Host = (typeof HOSTS)[number];

export const namespaceOf = (owner: number, host: Host): string => `lbt-${owner}-m${host}`;

/** A program with its words, inside a host. */
export const inHost = (owner: number, host: Host, argv: readonly string[]): string[] => [
  ...["ip", "netns", "exec", namespaceOf(owner, host)],
  ...argv,
];

const must = async (run: Run, argv: readonly string[], input?: string): Promise<void> => {
  const result = await run([...argv], input === undefined ? {} : { input });
  if (result.code !== 0) throw new Error(`${argv.join(" ")}: ${result.stderr}`);
};

const addresses = (all: readonly string[], bits: number, link: string): string[] =>
  all.map((address) => `addr add ${address}/${bits} dev ${link}`);

/** UDP flows stay until they are ended, refusals are never held back, and no address is tried out first. */
const SETTINGS = [
  "net.netfilter.nf_conntrack_udp_timeout=3600",
  "net.netfilter.nf_conntrack_udp_timeout_stream=3600",
  "net.ipv4.icmp_ratelimit=0",
  "net.ipv4.icmp_ratemask=0",
];

export async function createNetwork(owner: number): Promise<void> {
  for (const host of HOSTS)
    await must(runCommand, ["ip", "netns", "add", namespaceOf(owner, host)]);
  const batch = (host: Host, lines: readonly string[]) =>
    must(
      runCommand,
      ["ip", "-n", namespaceOf(owner, host), "-batch", "-"],
      `${lines.join("\n")}\n`,
    );
  await batch("node", [
    `link add eth1 type veth peer name eth0 netns ${namespaceOf(owner, "clients")}`,
    `link add eth0 type veth peer name eth0 netns ${namespaceOf(owner, "servers")}`,
    ...addresses(["192.168.200.1"], 24, "eth1"),
    ...addresses(["192.168.100.1"], 24, "eth0"),
    ...addresses(VIPS, 32, "eth1"),
    ...addresses([GATEWAY], 32, "eth0"),
    "link set lo up",
    "link set eth0 up",
    "link set eth1 up",
  ]);
  await batch("clients", [...addresses(CLIENTS, 24, "eth0"), "link set lo up", "link set eth0 up"]);
  await batch("servers", [
    ...addresses([...SERVER_ADDRESSES, ...FALLBACK_ADDRESSES], 24, "eth0"),
    "link set lo up",
    "link set eth0 up",
    `route add default via ${GATEWAY}`,
  ]);
  await must(runCommand, inHost(owner, "node", ["sysctl", "-q", "-w", ...SETTINGS]));
}

export async function removeNetwork(owner: number): Promise<void> {
  for (const host of HOSTS) await runCommand(["ip", "netns", "delete", namespaceOf(owner, host)]);
}

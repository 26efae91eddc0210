// static-rules.ts — what an appliance forwards where the product under test only moves addresses.
import { mustRun, runCommand } from "@lbpair/common";
import { APPLIANCES, VIP, type World } from "@lbpair/lab";
import { BENCH_PORT, ECHO_ADDRESSES, ECHO_PORT, SERVER_ADDRESSES } from "./bench-world.js";

/**
 * The same on both nodes, and the kindest there is without state: a client's packets choose the same
 * real server on either node, because the choice is a hash of them.
 */
const choice = (protocol: string, addresses: readonly string[]): string => {
  const servers = addresses.map((address, i) => `${i} : ${address}`).join(", ");
  return `jhash ip saddr . ${protocol} sport mod ${addresses.length} seed 0x12345 map { ${servers} }`;
};

const rules = (): string => {
  return [
    "table ip bench {",
    "  chain pre {",
    "    type nat hook prerouting priority dstnat;",
    `    ip daddr ${VIP} tcp dport ${BENCH_PORT} dnat to ${choice("tcp", SERVER_ADDRESSES)}`,
    `    ip daddr ${VIP} udp dport ${ECHO_PORT} dnat to ${choice("udp", ECHO_ADDRESSES)}`,
    "  }",
    // Without a chain of each kind the kernel would not undo the translation on old versions.
    "  chain post { type nat hook postrouting priority srcnat; }",
    "}",
    "",
  ].join("\n");
};

const SYSCTLS = [
  "net.ipv4.ip_forward=1",
  "net.ipv4.conf.all.rp_filter=0",
  "net.ipv4.conf.default.rp_filter=0",
  "net.ipv4.conf.eth0.rp_filter=0",
  "net.ipv4.conf.eth1.rp_filter=0",
  "net.ipv4.conf.all.send_redirects=0",
];

export async function loadStaticRules(world: World): Promise<void> {
  for (const name of APPLIANCES) {
    const inside = ["ip", "netns", "exec", world.namespace(name)];
    await mustRun(runCommand, [...inside, "sysctl", "-q", "-w", ...SYSCTLS]);
    await mustRun(runCommand, [...inside, "nft", "-f", "-"], { input: rules() });
  }
}

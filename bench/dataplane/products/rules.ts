// rules.ts — paths that are made of a few rules in the kernel: routing, a rule written by hand, nftlb's.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PORTS } from "../world.js";
import type { Product } from "./product.js";

const first = (servers: readonly string[]): string => servers[0] ?? "";
const portSet = `{ ${PORTS.join(", ")} }`;

export const direct: Product = {
  name: "direct",
  title: "direct routing",
  kind: "routing",
  start: async ({ servers }) => first(servers),
};

export const tracked: Product = {
  name: "conntrack",
  title: "routing with conntrack",
  kind: "routing",
  async start({ node, servers }) {
    await node.nft(
      "table ip t { chain c { type filter hook forward priority filter; ct state new accept; }\n}\n",
    );
    return first(servers);
  },
};

/** The limit: no kernel NAT does with less. */
export const rule: Product = {
  name: "rule",
  title: "one nft rule by hand",
  kind: "rule",
  async start({ node, servers, vip }) {
    const dnat = `ip daddr ${vip} tcp dport ${portSet} dnat to ${first(servers)}`;
    await node.nft(
      `table ip t { chain c { type nat hook prerouting priority dstnat; ${dnat};\n}\n}\n`,
    );
    return vip;
  },
};

export const ruleThree: Product = {
  name: "rule-3",
  title: "the same, three servers",
  kind: "rule",
  async start({ node, servers, vip }) {
    const [a, b, c] = servers;
    const hash = `jhash ip saddr . tcp sport mod 3 map { 0 : ${a}, 1 : ${b}, 2 : ${c} }`;
    const dnat = `ip daddr ${vip} tcp dport ${portSet} dnat to ${hash}`;
    await node.nft(
      `table ip t { chain c { type nat hook prerouting priority dstnat; ${dnat};\n}\n}\n`,
    );
    return vip;
  },
};

interface Farm {
  readonly name: string;
  readonly vip: string;
  readonly ports: string;
  readonly servers: readonly string[];
}

const farmJson = ({ name, vip, ports, servers }: Farm) => ({
  ...{ name, family: "ipv4", "virtual-addr": vip, "virtual-ports": ports },
  ...{ mode: "dnat", protocol: "tcp", scheduler: "rr", state: "up" },
  backends: servers.map((address, i) => ({
    ...{ name: `b${i}`, "ip-addr": address, weight: "1", priority: "1", state: "up" },
  })),
});

export const farmsText = (farms: readonly Farm[]): string =>
  JSON.stringify({ farms: farms.map(farmJson) });

export const nftlb: Product = {
  name: "nftlb",
  title: "nftlb",
  kind: "nftlb",
  async start({ node, servers, vip }, { folder }) {
    const file = join(folder, "nftlb.json");
    const farm = { name: "web", vip, ports: PORTS.join(","), servers: servers.slice(0, 1) };
    await writeFile(file, farmsText([farm]));
    await node.must("nftlb", "-e", "-c", file);
    return vip;
  },
};

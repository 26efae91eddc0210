// foreign-rules.ts — other programs' firewall rules that would drop what lbpair needs to pass (F12).
import {
  type ApplianceConfig,
  fallbacksOf,
  familyOf,
  formatPortRange,
  inNetwork,
  type OwnAddress,
  type PortRange,
  type Problem,
  type ServicesConfig,
  withoutZone,
} from "@lbpair/common";
import { judgeChain } from "./nft-judge.js";
import type { ProbePacket } from "./nft-match.js";
import type { NftChain, NftRuleset } from "./nft-ruleset.js";

/** Flows tried at most; a ruleset that spares this many of different kinds spares the others too. */
export const FLOWS_TRIED_MAX = 2000;

/** Destination NAT: chains before it still see the client's destination. */
const DSTNAT_PRIORITY = -100;

/** A client's port is any; this one stands for them, as the first that IANA calls dynamic. */
const CLIENT_PORT = 49_152;

interface Flow {
  /** For people: "VNA tcp 12000 to 192.168.100.110". */
  readonly name: string;
  /** The packet at a hook of that priority; null = it does not pass there. */
  at(hook: string, priority: number): ProbePacket | null;
}

export interface FlowFacts {
  readonly services: ServicesConfig;
  /** null: not known on this machine. */
  readonly appliance: ApplianceConfig | null;
  readonly addresses: readonly OwnAddress[];
}

const linkOf = (address: string, addresses: readonly OwnAddress[]): string | null =>
  addresses.find(
    (own) =>
      own.prefixLength < (familyOf(own.address) === 4 ? 32 : 128) &&
      inNetwork(address, own.address, own.prefixLength),
  )?.link ?? null;

interface Route {
  readonly label: string;
  readonly vip: string;
  readonly vipPorts: PortRange;
  readonly server: string;
  readonly serverPort: number;
  readonly protocol: "tcp" | "udp";
  /** Links of the VIP's and of the server's network. */
  readonly front: string | null;
  readonly back: string | null;
}

/** A client's first packet, before and after its destination is translated. */
function requestFlow(route: Route): Flow {
  const common = {
    family: familyOf(route.vip),
    protocol: route.protocol,
    source: null,
    sourcePort: CLIENT_PORT,
    inLink: route.front,
    state: "new",
  } as const;
  const before: ProbePacket = {
    ...common,
    destination: route.vip,
    destinationPort: route.vipPorts.first,
    outLink: null,
    translated: false,
  };
  const after: ProbePacket = {
    ...common,
    destination: route.server,
    destinationPort: route.serverPort,
    outLink: route.back,
    translated: true,
  };
  return {
    name: `${route.label} ${route.protocol} ${formatPortRange(route.vipPorts)} to ${route.server}`,
    at: (hook, priority) => {
      if (hook === "forward" || hook === "postrouting") return after;
      if (hook !== "prerouting") return null;
      return priority < DSTNAT_PRIORITY ? before : after;
    },
  };
}

function answerFlow(route: Route): Flow {
  const packet: ProbePacket = {
    family: familyOf(route.vip),
    protocol: route.protocol,
    source: route.server,
    sourcePort: route.serverPort,
    destination: null,
    destinationPort: CLIENT_PORT,
    inLink: route.back,
    outLink: route.front,
    state: "established",
    translated: true,
  };
  return {
    name: `${route.label} ${route.protocol} answers from ${route.server}`,
    at: (hook) => (hook === "forward" || hook === "prerouting" ? packet : null),
  };
}

function serviceFlows({ services, addresses }: FlowFacts): Flow[] {
  const flows: Flow[] = [];
  for (const service of services.virtualServices) {
    const protocols = service.protocol === "both" ? (["tcp", "udp"] as const) : [service.protocol];
    const servers = [...service.realServers, ...fallbacksOf(service)];
    const front = linkOf(service.address, addresses);
    for (const server of servers) {
      const back = linkOf(server.address, addresses);
      for (const vipPorts of service.ports) {
        for (const protocol of protocols) {
          if (flows.length >= FLOWS_TRIED_MAX) return flows;
          const route: Route = {
            label: service.label,
            vip: service.address,
            vipPorts,
            server: server.address,
            serverPort: server.port === 0 ? vipPorts.first : server.port,
            protocol,
            front,
            back,
          };
          flows.push(requestFlow(route), answerFlow(route));
        }
      }
    }
  }
  return flows;
}

interface Talk {
  readonly name: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly peer: string;
  readonly local: string | null;
}

/** Both directions of what the two nodes say to each other. */
function talkFlows(talk: Talk, addresses: readonly OwnAddress[]): Flow[] {
  const link = linkOf(talk.peer, addresses);
  const base = {
    family: familyOf(talk.peer),
    protocol: talk.protocol,
    sourcePort: talk.protocol === "udp" ? talk.port : CLIENT_PORT,
    destinationPort: talk.port,
    state: "new",
    translated: false,
  } as const;
  return [
    {
      name: `${talk.name} from ${talk.peer}`,
      at: (hook) =>
        hook === "input" || hook === "prerouting"
          ? { ...base, source: talk.peer, destination: talk.local, inLink: link, outLink: null }
          : null,
    },
    {
      name: `${talk.name} to ${talk.peer}`,
      at: (hook) =>
        hook === "output" || hook === "postrouting"
          ? { ...base, source: talk.local, destination: talk.peer, inLink: null, outLink: link }
          : null,
    },
  ];
}

function nodeFlows({ services, appliance, addresses }: FlowFacts): Flow[] {
  const peer = appliance?.peer;
  if (peer === undefined) return [];
  const { port } = services.heartbeat;
  return [
    ...peer.paths.flatMap((path) =>
      talkFlows(
        {
          name: `heartbeat udp ${port}`,
          protocol: "udp",
          port,
          peer: withoutZone(path.peer),
          local: withoutZone(path.local),
        },
        addresses,
      ),
    ),
    ...talkFlows(
      {
        name: `replication tcp ${peer.ssh.port}`,
        protocol: "tcp",
        port: peer.ssh.port,
        peer: peer.ssh.address,
        local: null,
      },
      addresses,
    ),
  ];
}

const isForeign = (chain: NftChain): boolean =>
  chain.base !== null &&
  chain.base.type !== "nat" &&
  ["ip", "ip6", "inet"].includes(chain.family) &&
  !/^lbpair/.test(chain.table);

/** Whose table it probably is, so that a person knows where to mend it. */
function ownerOf(chain: NftChain, ruleset: NftRuleset): string {
  const names = [...ruleset.chains.values()]
    .filter((one) => one.family === chain.family && one.table === chain.table)
    .map((one) => one.name);
  if (names.some((name) => name.startsWith("ufw"))) return " (ufw)";
  if (chain.table.startsWith("firewalld")) return " (firewalld)";
  if (names.some((name) => name.startsWith("DOCKER"))) return " (Docker)";
  if (chain.family === "inet" && chain.table === "filter")
    return " (nftables.service, as Debian ships it)";
  return "";
}

const fits = (chain: NftChain, packet: ProbePacket): boolean =>
  chain.family === "inet" || (chain.family === "ip") === (packet.family === 4);

/** One problem per rule or policy that drops; a warning where it depends on what cannot be known. */
export function judgeForeignRules(ruleset: NftRuleset, facts: FlowFacts): Problem[] {
  const flows = [...nodeFlows(facts), ...serviceFlows(facts)];
  const found = new Map<
    string,
    { readonly first: string; count: number; readonly problem: Problem }
  >();
  for (const chain of ruleset.chains.values()) {
    if (!isForeign(chain) || chain.base === null) continue;
    for (const flow of flows) {
      const packet = flow.at(chain.base.hook, chain.base.priority);
      if (packet === null || !fits(chain, packet)) continue;
      const { drops, by } = judgeChain(chain, packet, ruleset);
      if (drops === "no") continue;
      const path = `nft table ${chain.family} ${chain.table}${ownerOf(chain, ruleset)}`;
      const key = `${path} ${by} ${drops}`;
      const before = found.get(key);
      if (before !== undefined) before.count += 1;
      else {
        const problem: Problem = {
          code: "foreign-rule",
          severity: drops === "yes" ? "error" : "warning",
          path,
          want: "",
          got: drops === "yes" ? `${by} drops it` : `${by} may drop it`,
        };
        found.set(key, { first: flow.name, count: 1, problem });
      }
    }
  }
  return [...found.values()].map(({ first, count, problem }) => ({
    ...problem,
    want: `${first}${count > 1 ? ` and ${count - 1} other flow${count > 2 ? "s" : ""}` : ""} to pass`,
  }));
}

// plan.ts — the reference deployment as data: which hosts there are, how they are cabled and addressed.

export type HostName =
  | "switch"
  | "lb1"
  | "lb2"
  | "client"
  | "far"
  | "modality"
  | "router"
  | "primary"
  | "fallback"
  | "front-watch"
  | "back-watch";
export type ApplianceName = "lb1" | "lb2";
export type ClusterName = "primary" | "fallback";
export type NetworkName = "front" | "back" | "far";

/** One cable from a host to a switched network. */
export interface CablePlan {
  readonly network: NetworkName;
  /** Interface on the host. */
  readonly link: string;
  /** Port on the switch. */
  readonly port: string;
  readonly mac: string;
  readonly address: string;
  readonly prefixLength: number;
}

export interface HostPlan {
  readonly name: HostName;
  readonly cables: readonly CablePlan[];
  readonly routes: readonly { readonly to: string; readonly via: string }[];
  /** Keys with dots, as `sysctl` writes them. */
  readonly sysctls: Readonly<Record<string, string>>;
}

export const NETWORKS: readonly NetworkName[] = ["front", "back", "far"];
export const VIP = "192.168.200.100";
export const GATEWAY = "192.168.100.254";
export const ROUTER = "192.168.200.250";
export const FAR_NETWORK = "10.20.30.0/24";
export const APPLIANCES: readonly ApplianceName[] = ["lb1", "lb2"];
export const CLUSTERS: readonly ClusterName[] = ["primary", "fallback"];
/** Answers the probes, tcp and udp, on the VIP. */
export const ECHO_PORT = 7;
/** The ports of the reference deployment's virtual service. */
export const VNA_PORTS = [12000, 12100, 12200, 12300, 12301, 12800, 12950] as const;

export const ADDRESSES = {
  front: { lb1: "192.168.200.1", lb2: "192.168.200.2" },
  back: { lb1: "192.168.100.1", lb2: "192.168.100.2" },
  client: "192.168.200.50",
  modality: "192.168.200.51",
  far: "10.20.30.50",
  primary: "192.168.100.110",
  fallback: "192.168.100.120",
  frontWatch: "192.168.200.60",
  backWatch: "192.168.100.60",
} as const;

/**
 * What Debian sets on a fresh machine where the root namespace may differ, so that everything the
 * forwarder needs beyond it is the forwarder's own doing.
 */
const DEBIAN_DEFAULTS: Readonly<Record<string, string>> = {
  "net.ipv4.ip_forward": "0",
  "net.ipv4.conf.all.rp_filter": "2",
  "net.ipv4.conf.default.rp_filter": "2",
  "net.ipv4.conf.all.arp_ignore": "0",
  "net.ipv4.conf.all.arp_announce": "0",
  "net.ipv4.conf.all.send_redirects": "1",
};

/** Room for many short connections, and closed ones may be followed at once. */
const CLIENT_SYSCTLS = { "net.ipv4.ip_local_port_range": "10000 65000" };

/** Interface names hold 15 characters. */
const PORT_PREFIX: Readonly<Record<NetworkName, string>> = { front: "f", back: "b", far: "r" };

function cable(network: NetworkName, host: HostName, link: string, address: string): CablePlan {
  const octets = address.split(".").map(Number);
  const networkByte = { front: 0xf0, back: 0xb0, far: 0xfa }[network];
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  return {
    network,
    link,
    port: `${PORT_PREFIX[network]}-${host}`,
    mac: `02:00:00:00:${hex(networkByte)}:${hex(octets[3] ?? 0)}`,
    address,
    prefixLength: 24,
  };
}

function appliance(name: ApplianceName): HostPlan {
  return {
    name,
    cables: [
      cable("back", name, "eth0", ADDRESSES.back[name]),
      cable("front", name, "eth1", ADDRESSES.front[name]),
    ],
    routes: [{ to: "default", via: ROUTER }],
    sysctls: DEBIAN_DEFAULTS,
  };
}

function frontClient(name: "client" | "modality" | "front-watch", address: string): HostPlan {
  return {
    name,
    cables: [cable("front", name, "eth1", address)],
    routes: [{ to: FAR_NETWORK, via: ROUTER }],
    sysctls: CLIENT_SYSCTLS,
  };
}

function cluster(name: ClusterName, address: string): HostPlan {
  return {
    name,
    cables: [cable("back", name, "eth0", address)],
    routes: [{ to: "default", via: GATEWAY }],
    sysctls: {},
  };
}

/** Every host but the switch. */
export const HOSTS: readonly HostPlan[] = [
  appliance("lb1"),
  appliance("lb2"),
  frontClient("client", ADDRESSES.client),
  frontClient("modality", ADDRESSES.modality),
  frontClient("front-watch", ADDRESSES.frontWatch),
  {
    name: "router",
    cables: [
      cable("front", "router", "eth1", ROUTER),
      cable("far", "router", "eth2", "10.20.30.1"),
    ],
    routes: [],
    sysctls: { "net.ipv4.ip_forward": "1", "net.ipv4.conf.all.send_redirects": "0" },
  },
  {
    name: "far",
    cables: [cable("far", "far", "eth1", ADDRESSES.far)],
    routes: [{ to: "default", via: "10.20.30.1" }],
    sysctls: CLIENT_SYSCTLS,
  },
  cluster("primary", ADDRESSES.primary),
  cluster("fallback", ADDRESSES.fallback),
  {
    name: "back-watch",
    cables: [cable("back", "back-watch", "eth0", ADDRESSES.backWatch)],
    routes: [],
    sysctls: {},
  },
];

export function hostPlan(name: HostName): HostPlan {
  const plan = HOSTS.find((host) => host.name === name);
  if (plan === undefined) throw new Error(`host: want one of the lab's, got ${name}`);
  return plan;
}

export const LAB_ID = /^[a-z0-9]{1,12}$/;
export const NAMESPACE_PREFIX = "lbp-";
export const namespaceOf = (labId: string, host: HostName): string =>
  `${NAMESPACE_PREFIX}${labId}-${host}`;

/** Whose cable a MAC address of the lab is, as `lb1 front`. */
export function ownerOfMac(mac: string): string | undefined {
  for (const host of HOSTS) {
    const found = host.cables.find((c) => c.mac === mac.toLowerCase());
    if (found !== undefined) return `${host.name} ${found.network}`;
  }
  return undefined;
}

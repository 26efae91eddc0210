// fits-node.ts — whether a service configuration can work on this very node: its addresses, networks, scripts.
import { familyOf, inNetwork } from "./address.js";
import type { ApplianceConfig } from "./appliance-schema.js";
import type { Loose } from "./loose-parse.js";
import type { Problem } from "./problems.js";
import type { ServicesConfig } from "./services-schema.js";

/** An address this node has now. */
export interface OwnAddress {
  readonly link: string;
  readonly address: string;
  readonly prefixLength: number;
  /** It has a lifetime: leased by DHCP, made by a router advertisement, or a floating IP. */
  readonly dynamic?: boolean;
}

/** What of a node decides whether a configuration fits it. */
export interface NodeFacts {
  readonly addresses: readonly OwnAddress[];
  readonly appliance: ApplianceConfig;
  /** Floating addresses in force: holding one of these is being active, not a conflict. */
  readonly floating: ReadonlySet<string>;
}

interface Wanted {
  readonly path: string;
  readonly address: string;
}

const isHostRoute = (own: OwnAddress): boolean =>
  own.prefixLength === (familyOf(own.address) === 4 ? 32 : 128);

/** A configuration of which parts may be wrong, and are passed over here: they are told elsewhere. */
type Understood = Loose<ServicesConfig>;

/** Every address of a configuration that follows the active node. */
export function floatingAddresses(services: Understood): Wanted[] {
  const place =
    (list: string) =>
    (entry: { readonly address?: string | undefined } | undefined, i: number): Wanted[] =>
      entry?.address === undefined
        ? []
        : [{ path: `${list}[${i}].address`, address: entry.address }];
  return [
    ...(services.floatingIps ?? []).flatMap(place("floatingIps")),
    ...(services.virtualServices ?? []).flatMap(place("virtualServices")),
  ];
}

/** Addresses that appliance.yaml gives to the two boxes themselves. */
function fixedAddresses(appliance: ApplianceConfig): Map<string, string> {
  const fixed = new Map<string, string>();
  for (const path of appliance.peer?.paths ?? []) {
    fixed.set(path.local, "this node's own address on a heartbeat path");
    fixed.set(path.peer, "its peer's own address on a heartbeat path");
  }
  if (appliance.peer !== undefined) fixed.set(appliance.peer.ssh.address, "its peer's SSH address");
  return fixed;
}

function judgeFloating(
  { path, address }: Wanted,
  node: NodeFacts,
  fixed: Map<string, string>,
): Problem | null {
  const free = "an address that no node owns";
  const own = node.addresses.find((one) => one.address === address);
  if (own !== undefined && !(isHostRoute(own) && node.floating.has(address))) {
    return {
      code: "address-local",
      path,
      want: free,
      got: `${address}, this node's own on ${own.link}`,
    };
  }
  const fixedAs = fixed.get(address);
  if (fixedAs !== undefined) {
    return { code: "address-local", path, want: free, got: `${address}, ${fixedAs}` };
  }
  const networks = node.addresses.filter((one) => !isHostRoute(one) && one.link !== "lo");
  const carriers = networks.filter((one) => inNetwork(address, one.address, one.prefixLength));
  // A fixed address beside one that a router advertised carries it just as well.
  const carrier = carriers.find((one) => one.dynamic !== true) ?? carriers[0];
  if (carrier === undefined) {
    const known = networks.map((one) => `${one.link} ${one.address}/${one.prefixLength}`);
    const want = `an address in a network of this node (${known.join(", ") || "it has none"})`;
    return { code: "no-interface", path, want, got: address };
  }
  // A DHCP client flushes the whole link when its lease changes, whichever network it is of.
  const leased = networks.find(
    (one) => one.link === carrier.link && one.dynamic === true && familyOf(one.address) === 4,
  );
  const moving = carrier.dynamic === true ? carrier : leased;
  if (moving !== undefined) {
    const want = `a fixed address on ${carrier.link}, which carries ${address}`;
    return { code: "contradiction", path, want, got: `${moving.address}, which is leased (DHCP)` };
  }
  return null;
}

/** The links of this node that carry floating IPs of a configuration. */
export function carryingLinks(services: Understood, addresses: readonly OwnAddress[]): string[] {
  const networks = addresses.filter((one) => !isHostRoute(one) && one.link !== "lo");
  const links = floatingAddresses(services).flatMap(({ address }) =>
    networks.filter((one) => inNetwork(address, one.address, one.prefixLength)),
  );
  return [...new Set(links.map(({ link }) => link))].sort();
}

/** Everything in services.yaml that speaks against it on this node; empty where it fits. */
export function judgeFit(services: Understood, node: NodeFacts, file: string): Problem[] {
  const fixed = fixedAddresses(node.appliance);
  return floatingAddresses(services).flatMap((wanted) => {
    const problem = judgeFloating(wanted, node, fixed);
    return problem === null ? [] : [{ ...problem, file }];
  });
}

/** Addresses that appliance.yaml calls this node's own, and which it has not. */
export function judgePaths(node: NodeFacts, file: string): Problem[] {
  const { peer, checks } = node.appliance;
  const known = node.addresses.filter((own) => own.link !== "lo").map((own) => own.address);
  const want = `an address of this node (${known.join(", ") || "it has none"})`;
  const claims = [
    ...(peer?.paths ?? []).map((path, i) => ({ path: `peer.paths[${i}].local`, got: path.local })),
    ...checks.sources.map((got, i) => ({ path: `checks.sources[${i}]`, got })),
  ];
  return claims.flatMap(({ path, got }): Problem[] => {
    if (node.floating.has(got)) {
      return [{ code: "no-interface", path, want: "an address that stays here", got, file }];
    }
    const isOwn = ({ address, link }: OwnAddress) =>
      got === address || got === `${address}%${link}`;
    return node.addresses.some(isOwn) ? [] : [{ code: "no-interface", path, want, got, file }];
  });
}

/** A check script that a service names and the set does not hold. */
export function judgeScripts(
  services: Understood,
  scripts: ReadonlySet<string>,
  file: string,
): Problem[] {
  const known = [...scripts].sort().join(", ") || "which is empty";
  const want = `a script of health-checks/ (${known})`;
  return (services.virtualServices ?? []).flatMap((service, i): Problem[] => {
    const check = service?.check;
    const script = check?.type === "external" ? check.script : undefined;
    if (script === undefined || scripts.has(script)) return [];
    const path = `virtualServices[${i}].check.script`;
    return [{ code: "script-missing", path, want, got: script, file }];
  });
}

// floating-plan.ts — which floating IPs there are, and which link of this node carries each.
import { familyOf, inNetwork, type Problem, type ServicesConfig } from "@lbpair/common/light";

export interface FloatingIp {
  readonly address: string;
  readonly label: string;
}

/** An address of this node's own on a link, with its network. */
export interface LinkNetwork {
  readonly link: string;
  readonly address: string;
  readonly prefixLength: number;
}

export interface Placed extends FloatingIp {
  readonly link: string;
}

/** Every address that follows the active node, once: the services' and the further floating IPs. */
export function floatingIps(services: ServicesConfig): FloatingIp[] {
  const found = new Map<string, FloatingIp>();
  for (const { address, label } of [...services.floatingIps, ...services.virtualServices]) {
    if (!found.has(address)) found.set(address, { address, label });
  }
  return [...found.values()];
}

/** Puts each floating IP on the link whose own network contains it; the narrowest network wins. */
export function placeFloatingIps(
  wanted: readonly FloatingIp[],
  networks: readonly LinkNetwork[],
): { readonly placed: Placed[]; readonly problems: Problem[] } {
  const placed: Placed[] = [];
  const problems: Problem[] = [];
  // The floating IPs themselves stand among them, each alone: a thousand must not be compared with a thousand.
  const own = networks.filter(
    ({ address, prefixLength }) => prefixLength < (familyOf(address) === 4 ? 32 : 128),
  );
  for (const floating of wanted) {
    const mine = own.find((network) => network.address === floating.address);
    const candidates = own
      .filter((network) => inNetwork(floating.address, network.address, network.prefixLength))
      .sort((a, b) => b.prefixLength - a.prefixLength);
    const [best] = candidates;
    if (mine !== undefined) {
      problems.push({
        code: "address-local",
        path: floating.label,
        want: "a floating IP that no node owns",
        got: `${floating.address}, this node's own address on ${mine.link}`,
      });
    } else if (best === undefined) {
      problems.push({
        code: "no-interface",
        path: floating.label,
        want: `an interface with a network that contains ${floating.address}`,
        got: networks.map((n) => `${n.link} ${n.address}/${n.prefixLength}`).join(", ") || "none",
      });
    } else placed.push({ ...floating, link: best.link });
  }
  return { placed, problems };
}

// link-neighbours.ts — which hosts of a link matter to the pair: servers, routers, ping nodes, wishes.
import { fallbacksOf, inNetwork, type ServicesConfig } from "@lbpair/common/light";

/** A link, with this node's own addresses and networks there. */
export interface NeighbourLink {
  readonly link: string;
  readonly networks: readonly { readonly address: string; readonly prefixLength: number }[];
}

/** A next hop of this node's routes. */
export interface Router {
  readonly link: string;
  readonly address: string;
}

/** Hosts of one link that are asked and told, those of the configuration first. */
export const LINK_NEIGHBOURS_MAX = 32;

const hostsOf = ({ heartbeat, virtualServices }: ServicesConfig): string[] => [
  ...heartbeat.neighbours,
  ...virtualServices.flatMap(({ realServers, fallback, fallbacks }) => [
    ...realServers.map(({ address }) => address),
    ...fallbacksOf({ fallback, fallbacks }).map(({ address }) => address),
  ]),
];

/** The hosts that should live on a link: those named, servers, routers, ping nodes; each once. */
export function linkNeighbours(
  { link, networks }: NeighbourLink,
  services: ServicesConfig,
  routers: readonly Router[],
): string[] {
  const own = new Set(networks.map(({ address }) => address));
  const here = (address: string): boolean =>
    !own.has(address) &&
    networks.some((network) => inNetwork(address, network.address, network.prefixLength));
  const next = routers.filter((router) => router.link === link).map(({ address }) => address);
  const named = hostsOf(services);
  const all = [...named.filter(here), ...next, ...services.heartbeat.pingNodes.filter(here)];
  return [...new Set(all)].slice(0, LINK_NEIGHBOURS_MAX);
}

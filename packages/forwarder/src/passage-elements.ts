// passage-elements.ts — elements about source addresses, and about what is no service's traffic.
import {
  type Family,
  familyOf,
  formatPortRange,
  networksMeet,
  type OutboundRule,
  type PortRange,
  type RoutedRule,
} from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import type { MutableElements } from "./elements.js";
import { belongs, type PlannedServer } from "./server-plan.js";

/** What may pass besides the services' traffic. */
export interface Passages {
  readonly outbound: readonly OutboundRule[];
  readonly routed: readonly RoutedRule[];
  /** Networks that this node's arms are in, as `address/length`. */
  readonly networks: readonly string[];
}

export const NO_PASSAGES: Passages = { outbound: [], routed: [], networks: [] };

const ALL_PORTS = "0-65535";

/** A network of one host is written as its address: that is how nft lists it. */
const plain = (network: string): string => network.replace(/\/(?:32|128)$/, "");

const pair = ({ from, to }: { readonly from: string; readonly to: string }): string =>
  `${plain(from)} . ${plain(to)}`;

function addRouted(elements: MutableElements, rule: RoutedRule): void {
  if (rule.protocol === "any") {
    elements.routedhosts.set(pair(rule), "");
    return;
  }
  const protocol =
    rule.protocol === "icmp" && rule.from.includes(":") ? "ipv6-icmp" : rule.protocol;
  for (const ports of rule.ports?.map(formatPortRange) ?? [ALL_PORTS]) {
    elements.routed.set(`${pair(rule)} . ${protocol} . ${ports}`, "");
  }
}

const isWithinAnother = (network: string, networks: readonly string[]): boolean =>
  networks.some((other) => lengthOf(other) < lengthOf(network) && networksMeet(other, network));

const lengthOf = (network: string): number => Number(network.split("/")[1]);

export function addPassages(
  elements: MutableElements,
  { outbound, routed, networks }: Passages,
  family: Family,
): void {
  for (const rule of outbound) elements.outbound.set(pair(rule), rule.as);
  for (const rule of routed) addRouted(elements, rule);
  for (const network of networks.filter((each) => familyOf(each) === family)) {
    if (isWithinAnother(network, networks)) continue;
    elements.hairpins.set(pair({ from: network, to: network }), "");
  }
}

/** The kernel takes no two ranges that overlap. */
function merged(ranges: readonly PortRange[]): PortRange[] {
  const result: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const last = result.at(-1);
    if (last === undefined || range.first > last.last) result.push(range);
    else result[result.length - 1] = { first: last.first, last: Math.max(last.last, range.last) };
  }
  return result;
}

/** By service and server, as a packet shows them once it was sent on: its port is the server's by then. */
export function addSourceNat(
  elements: MutableElements,
  distributions: readonly Distribution[],
  only?: string,
): void {
  const places = new Map<string, PortRange[]>();
  for (const { service } of distributions.filter((each) => each.service.sourceNat)) {
    for (const { address, port } of service.servers.filter(isBehind)) {
      if (only !== undefined && address !== only) continue;
      const ranges = port === 0 ? service.ranges : [{ first: port, last: port }];
      for (const protocol of service.protocols) {
        const place = `${service.address} . ${address} . ${protocol}`;
        places.set(place, [...(places.get(place) ?? []), ...ranges]);
      }
    }
  }
  for (const [place, ranges] of places) {
    for (const range of merged(ranges)) {
      elements.sourcenat.set(`${place} . ${formatPortRange(range)}`, "");
    }
  }
}

const isBehind = (server: PlannedServer): boolean => belongs(server) && !server.builtIn;

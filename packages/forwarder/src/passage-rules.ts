// passage-rules.ts — the part of the rules about source addresses, and about what is no service's traffic.
//
//   hairpins     a client and its server are in one network: the answer would not pass this node
//   sourcenat    service and server, where the server is to see the service's address
//   outbound     what real servers begin themselves leaves as a floating IP
//   routed       what passes between the arms as it is, by ports or between whole networks
import { chain } from "./chain-text.js";
import type { Words } from "./rule-words.js";

export function passageSets(type: string): string[] {
  const pair = `${type} . ${type}`;
  return [
    `set hairpins { type ${pair}; flags interval; }`,
    `set sourcenat { type ${pair} . inet_proto . inet_service; flags interval; }`,
    `map outbound { type ${pair} : ${type}; flags interval; }`,
    `set routed { type ${pair} . inet_proto . inet_service; flags interval; }`,
    `set routedhosts { type ${pair}; flags interval; }`,
  ];
}

/** In the chain that sees the first packet of each flow as it leaves. */
export function sourceRules({ table, source, destination }: Words): string[] {
  return [
    `ct status dnat ${source} . ${destination} @hairpins jump as_service`,
    `ct status dnat ct original ${destination} . ${destination} . meta l4proto . th dport @sourcenat jump as_service`,
    "ct status dnat return",
    `snat ${table} to ${source} . ${destination} map @outbound`,
  ];
}

/** The service's own address is one that servers answer to through the active node, wherever they are. */
export const sourceChains = ({ table, destination }: Words): string[] =>
  chain("as_service", [`snat ${table} to ct original ${destination}`]);

/**
 * Answers pass by what is known of their flow, and TCP's by their own words too: after a failover
 * nothing is known.
 */
export function passageRules({ source, destination }: Words): string[] {
  const midstream = "tcp flags & (syn | ack) != syn";
  const there = `${source} . ${destination}`;
  const back = `${destination} . ${source}`;
  return [
    `${there} @outbound accept`,
    `ct status snat ct state established ${back} @outbound accept`,
    `${there} @routedhosts accept`,
    `${there} . meta l4proto . th dport @routed accept`,
    `ct state established ct direction reply ${back} @routedhosts accept`,
    `ct state established ct direction reply meta l4proto { icmp, ipv6-icmp } ${back} . meta l4proto . th dport @routed accept`,
    `ct state established ct direction reply ${back} . meta l4proto . th sport @routed accept`,
    `${midstream} ${back} @routedhosts accept`,
    `${midstream} ${back} . meta l4proto . th sport @routed accept`,
  ];
}

// rule-words.ts — what the rules call things in each address family.
import type { Family } from "@lbpair/common";

export interface Words {
  readonly table: string;
  readonly type: string;
  readonly source: string;
  readonly destination: string;
  readonly icmpPermitted: string;
  readonly prohibited: string;
}

export const WORDS: Readonly<Record<Family, Words>> = {
  4: {
    table: "ip",
    type: "ipv4_addr",
    source: "ip saddr",
    destination: "ip daddr",
    icmpPermitted:
      "icmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } accept",
    prohibited: "reject with icmp type admin-prohibited",
  },
  6: {
    table: "ip6",
    type: "ipv6_addr",
    source: "ip6 saddr",
    destination: "ip6 daddr",
    icmpPermitted:
      "icmpv6 type { echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-neighbor-solicit, nd-neighbor-advert } accept",
    prohibited: "reject with icmpv6 type admin-prohibited",
  },
};

/** The first packet of a TCP connection, of a client's. */
export const SYN = "tcp flags & (syn | ack) == syn";

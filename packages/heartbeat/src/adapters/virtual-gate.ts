// virtual-gate.ts — the gate's rules for virtual MACs: what may leave in their name, and what that arrives for them is let in (no I/O).
import { familyOf } from "@lbpair/common/light";
import type { VirtualMac } from "../core/virtual-mac.js";
import { hex128 } from "./gate-words.js";

/**
 * Both on the link underneath, so that they hold before its macvlan is there and for raw sockets too.
 *
 * Leaving: a frame from a virtual MAC needs the set `voice`, which is the lease for IPv4 as well.
 * Whoever speaks for a floating IP that has a virtual MAC names no other: the link's own would be
 * learnt instead.
 *
 * Arriving: while the set `through` lives, everything. Without it, what belongs to open TCP
 * connections, twice if need be: a copy of a segment is what TCP is made for. A datagram or a first
 * SYN that a switch floods to both nodes must come once, so the passive node lets none in.
 * FIN and RST are not told apart: their copies are as harmless.
 */
const MID_STREAM = "meta l4proto tcp tcp flags & syn == 0 counter accept";

export function virtualPart(virtual: readonly VirtualMac[]) {
  if (virtual.length === 0) return { sets: {}, rules: {}, arrival: {}, arrivalLinks: [] };
  const all = virtual.flatMap(({ addresses }) => addresses);
  const v4 = all.filter((address) => familyOf(address) === 4);
  const v6 = all.filter((address) => familyOf(address) === 6);
  const macs = [...new Set(virtual.map(({ mac }) => mac))];
  return {
    sets: {
      virtual: { type: "type ether_addr", elements: macs },
      virtual4: { type: "type ipv4_addr", elements: v4 },
      ...(v6.length === 0
        ? {}
        : { virtual6: { type: "typeof @th,64,128", elements: v6.map(hex128) } }),
    },
    rules: {
      "virtual 1": "ether saddr @virtual meta protocol != @voice counter drop",
      "name4 1": "arp saddr ip @virtual4 arp saddr ether != @virtual counter drop",
      ...(v6.length === 0
        ? {}
        : {
            "name6 1":
              "icmpv6 type nd-neighbor-advert @th,64,128 @virtual6 ether saddr != @virtual counter drop",
          }),
    },
    arrival: {
      "other 1": "ether daddr != @virtual accept",
      "through 1": "meta protocol @through counter accept",
      "open 1": MID_STREAM,
      "closed 1": "counter drop",
    },
    arrivalLinks: virtual.map(({ link }) => link),
  };
}

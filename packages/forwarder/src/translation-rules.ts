// translation-rules.ts — the part of the rules that finds a packet's server, and translates there and back.
import { chain } from "./chain-text.js";
import { sourceChains, sourceRules } from "./passage-rules.js";
import { keepServer } from "./persistence-rules.js";
import { SYN, type Words } from "./rule-words.js";
import { SERVER_BITS } from "./service-id.js";
import { SLOT_SEED, WAYS, type Way } from "./slots.js";

function slotNumber({ source }: Words, { kind, size }: Way): string {
  const seed = `mod ${size} seed 0x${SLOT_SEED.toString(16)}`;
  if (kind === "flow") return `jhash ${source} . th sport ${seed}`;
  return kind === "source" ? `jhash ${source} ${seed}` : `numgen inc mod ${size}`;
}

/**
 * Leaves the number of the server in `meta priority`, or none. A pin is for packets in mid-stream: a
 * SYN begins another connection of the same addresses and ports, and ends the pin. Not one that
 * conntrack calls invalid, though: an entry that a server's packet began still holds these ports for a
 * while, and takes what follows to the pin's server. nft 1.0.6 cannot delete from a map whose key is
 * this long with IPv6, hence the set `reused`.
 */
export function serverOf(words: Words): string[] {
  const { source, destination } = words;
  const flow = `${source} . tcp sport . ${destination} . tcp dport`;
  return [
    ...WAYS.flatMap((way) =>
      chain(way.name, [
        `meta priority set meta priority . ${slotNumber(words, way)} map @slots${way.size}`,
      ]),
    ),
    ...chain("find_server", [
      "meta priority set none",
      `meta priority set ${destination} . meta l4proto . th dport map @services`,
      `meta priority none meta priority set ${destination} . meta l4proto . th dport map @wideservices`,
      "meta priority none return",
      `ct state new tcp flags & (syn | ack) == syn ${flow} @pins add @reused { ${flow} }`,
      `${flow} != @reused meta priority set ${flow} map @pins`,
      "meta priority vmap @persistence",
      "meta priority vmap @ways",
      "meta priority set meta priority map @only",
    ]),
  ];
}

/**
 * A limit of connections concerns the SYN alone: that of a full server goes to another one, and that of
 * one that is about to be full is dropped until the forwarder has seen it; the client sends it again a
 * second later. What else begins an entry here, after a take over, is counted by the look-up.
 */
export function firstPackets(words: Words): string[] {
  const { table, source, destination } = words;
  const dnat = `meta l4proto { tcp, udp } dnat ${table} to`;
  const from = `${source} . meta l4proto . th sport`;
  return [
    ...chain("to_server", [
      "type nat hook prerouting priority dstnat;",
      `meta l4proto { tcp, udp } ${destination} @floating jump choose`,
    ]),
    ...chain("choose", [
      "jump find_server",
      `${SYN} meta priority @full jump overflow`,
      keepServer,
      `${SYN} meta priority @limited counter name postponed drop`,
      "tcp flags & (syn | ack) != syn meta priority @limited continue",
      `meta priority @serverports ${dnat} meta priority map @servers : meta priority map @serverports`,
      `${dnat} meta priority map @servers`,
    ]),
    ...chain("overflow", [
      `meta priority set meta priority | 0x${SERVER_BITS.toString(16)}`,
      "meta priority vmap @ways",
      "meta priority set meta priority map @only",
    ]),
    // Only a packet with ACK and no SYN is mid-stream; UDP has no flags to tell it by.
    ...chain("to_client", [
      "type nat hook postrouting priority srcnat;",
      "tcp flags & (syn | ack) == ack jump return_vip",
      "meta l4proto udp jump return_vip",
      ...sourceRules(words),
    ]),
    ...sourceChains(words),
    ...chain("return_vip", [
      `meta l4proto { tcp, udp } snat ${table} to ${from} map @vips`,
      `meta l4proto { tcp, udp } snat ${table} to ${from} map @widevips`,
      `${from} @vipids jump return_vip_port`,
    ]),
    ...chain("return_vip_port", [
      `meta priority set ${from} map @vipids`,
      `meta l4proto { tcp, udp } snat ${table} to meta priority map @vipaddresses : meta priority map @vipports`,
    ]),
  ];
}

/**
 * conntrack picks up neither FIN, RST nor SYN/ACK without an entry; they are translated by the same
 * maps. The port is set before the address, and both by number: the first rewrite would change
 * what a look-up by address sees. The half towards the client has to be in postrouting: earlier,
 * the source would be the node's own VIP and the kernel drops that as martian.
 */
export function latePackets(words: Words): string[] {
  const { source, destination } = words;
  const from = `${source} . meta l4proto . tcp sport`;
  return [
    ...chain("late_in", [
      "type filter hook prerouting priority mangle;",
      `ct state invalid meta l4proto tcp ${destination} @floating jump late_to_server`,
    ]),
    ...chain("late_to_server", [
      "jump find_server",
      "tcp dport set meta priority map @serverports",
      `${destination} set meta priority map @servers`,
      "meta priority set none",
    ]),
    ...chain("late_out", [
      "type filter hook postrouting priority mangle;",
      "ct state invalid jump late_to_clients",
    ]),
    ...chain("late_to_clients", [
      `${from} @vips jump late_to_client`,
      `${from} @vipids jump late_to_client_port`,
      `${from} @widevips ${from} != @ambiguous jump late_to_client_wide`,
    ]),
    ...chain("late_to_client", [`${source} set ${from} map @vips`]),
    ...chain("late_to_client_wide", [`${source} set ${from} map @widevips`]),
    ...chain("late_to_client_port", [
      `meta priority set ${from} map @vipids`,
      `${source} set meta priority map @vipaddresses`,
      "tcp sport set meta priority map @vipports",
      "meta priority set none",
    ]),
  ];
}

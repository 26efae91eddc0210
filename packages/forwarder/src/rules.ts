// rules.ts — the constant rules of the table: the same text whatever is configured.
//
// Configuration is elements of the sets and maps below (wanted-elements.ts). What each hook does:
//   prerouting raw     cut         packets of cut flows are answered with a reset (cuts.ts)
//   output raw         own         packets this daemon forges stay out of conntrack
//   prerouting mangle  late_in     FIN, RST, SYN/ACK that conntrack calls invalid: to the server, stateless
//   prerouting dstnat  to_server   first packets of a flow: the service's server
//   forward filter     pass        services and their returns; everything else between the arms is rejected
//   postrouting mangle late_out    a server's invalid packets: back to the VIP, stateless
//   postrouting srcnat to_client   a server's mid-stream packet that comes first: source is the VIP
//   input filter       guard       the node's own stack never answers for a floating IP
// The number of a service, then that of its server, lives in `meta priority`: the kernel sets it anew
// when it forwards, so nobody's packet mark is touched. A map look-up that misses ends its rule, not
// the chain. `find_server` goes from the one to the other: a pin of this flow says it, else the
// service's way to its slots does (`ways`); a service with one server has that server's place itself.
// Persistence (persistence-rules.ts) stands between the two.
import { type Family, PAGE_PORT } from "@lbpair/common";
import { chain } from "./chain-text.js";
import { stableHash } from "./hash.js";
import { keepServer, persistenceChains, persistenceSets } from "./persistence-rules.js";
import { SLOT_SEED, WAYS, type Way } from "./slots.js";

export const TABLE = "lbpair";
/** Elements of the set of cut flows; each cut flow takes two. */
export const CUTS_MAX = 262_144;
/** How long a cut flow's packets are answered with a reset. */
export const CUT_SECONDS = 300;
/** Open connections that may live on a server other than the maps name; each is an element here and on the peer. */
export const PINS_MAX = 65_536;
/** How long a SYN on a pin's addresses and ports silences it; the daemon has long removed it by then. */
const REUSED_SECONDS = 86_400;

/** What the rules depend on besides the configuration. */
export interface RuleOptions {
  readonly family: Family;
  /** Bits of the packet mark that are ours; forged packets carry all of them. */
  readonly markMask: number;
}

interface Words {
  readonly table: string;
  readonly type: string;
  readonly source: string;
  readonly destination: string;
  readonly icmpPermitted: string;
  readonly prohibited: string;
}

const WORDS: Readonly<Record<Family, Words>> = {
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

export const tableName = (family: Family): string => `${WORDS[family].table} ${TABLE}`;

function declarations({ type }: Words): string[] {
  const socket = `${type} . inet_proto . inet_service`;
  // numgen stands for "a 32-bit number in host order": the only way nft 1.0.6 knows to declare a key
  // that jhash fills. (`typeof jhash …` crashes its listing; `@nh,0,32` is in network order.)
  const slot = "typeof meta priority . numgen inc mod 2";
  const sizes = [...new Set(WAYS.map((way) => way.size))];
  const flow = `${type} . inet_service . ${type} . inet_service`;
  return [
    "counter guarded { }",
    "counter foreign { }",
    `set floating { type ${type}; }`,
    "set arms { type ifname; }",
    `set closed { type ${socket}; }`,
    `set ambiguous { type ${socket}; }`,
    `set toservers { type ${socket}; counter; }`,
    `set fromservers { type ${socket}; counter; }`,
    `set cuts { type ${flow}; flags timeout, dynamic; timeout ${CUT_SECONDS}s; size ${CUTS_MAX}; }`,
    `map services { type ${socket} : classid; counter; }`,
    `map servers { type classid : ${type}; counter; }`,
    "map serverports { type classid : inet_service; }",
    "map ways { type classid : verdict; }",
    "map only { type classid : classid; }",
    "set serving { type classid; }",
    ...persistenceSets(type),
    ...sizes.map((size) => `map slots${size} { ${slot} : meta priority; }`),
    `map pins { type ${flow} : classid; flags timeout; size ${PINS_MAX * 2}; }`,
    `set reused { type ${flow}; flags timeout, dynamic; timeout ${REUSED_SECONDS}s; size ${PINS_MAX * 2}; }`,
    `map vips { type ${socket} : ${type}; }`,
    `map vipids { type ${socket} : classid; }`,
    `map vipaddresses { type classid : ${type}; }`,
    "map vipports { type classid : inet_service; }",
  ];
}

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
function serverOf(words: Words): string[] {
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
      "meta priority none return",
      `ct state new tcp flags & (syn | ack) == syn ${flow} @pins add @reused { ${flow} }`,
      `${flow} != @reused meta priority set ${flow} map @pins`,
      "meta priority vmap @persistence",
      "meta priority vmap @ways",
      "meta priority set meta priority map @only",
    ]),
  ];
}

function firstPackets(words: Words): string[] {
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
      keepServer,
      `meta priority @serverports ${dnat} meta priority map @servers : meta priority map @serverports`,
      `${dnat} meta priority map @servers`,
    ]),
    // Only a packet with ACK and no SYN is mid-stream; UDP has no flags to tell it by.
    ...chain("to_client", [
      "type nat hook postrouting priority srcnat;",
      "tcp flags & (syn | ack) == ack jump return_vip",
      "meta l4proto udp jump return_vip",
    ]),
    ...chain("return_vip", [
      `meta l4proto { tcp, udp } snat ${table} to ${from} map @vips`,
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
function latePackets(words: Words): string[] {
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
      `ct state invalid ${from} @vips jump late_to_client`,
      `ct state invalid ${from} @vipids jump late_to_client_port`,
    ]),
    ...chain("late_to_client", [`${source} set ${from} map @vips`]),
    ...chain("late_to_client_port", [
      `meta priority set ${from} map @vipids`,
      `${source} set meta priority map @vipaddresses`,
      "tcp sport set meta priority map @vipports",
      "meta priority set none",
    ]),
  ];
}

function cutPackets({ source, destination }: Words, markMask: number): string[] {
  const flow = `${source} . tcp sport . ${destination} . tcp dport`;
  const mask = `0x${(markMask >>> 0).toString(16).padStart(8, "0")}`;
  return [
    // A SYN is a new connection that happens to use the same ports: it lifts the cut.
    ...chain("cut", [
      "type filter hook prerouting priority raw;",
      `tcp flags & syn == syn delete @cuts { ${flow} }`,
      `${flow} @cuts reject with tcp reset`,
    ]),
    ...chain("own", [
      "type filter hook output priority raw;",
      `meta mark & ${mask} == ${mask} notrack`,
    ]),
  ];
}

function filters({ source, destination, icmpPermitted, prohibited }: Words): string[] {
  const to = `${destination} . meta l4proto . th dport`;
  const from = `${source} . meta l4proto . th sport`;
  return [
    ...chain("pass", [
      "type filter hook forward priority filter;",
      // A packet that does not name one VIP must not make an entry; the client's next one will.
      `ct state new ${from} @ambiguous tcp flags & (syn | ack) != syn drop`,
      `ct state new meta l4proto udp ${from} @ambiguous drop`,
      `ct status dnat,snat ${to} @toservers accept`,
      `ct state invalid ${to} @toservers accept`,
      `tcp flags & (syn | ack) != syn ${from} @fromservers accept`,
      `meta l4proto udp ${from} @fromservers accept`,
      "ct state related accept",
      `iifname @arms oifname @arms counter name foreign ${prohibited}`,
    ]),
    ...chain("guard", [
      "type filter hook input priority filter;",
      `${destination} @floating jump floating_ip`,
    ]),
    ...chain("floating_ip", [
      icmpPermitted,
      // The built-in page, for those whom a service sends there; nobody else.
      `ct status dnat tcp dport ${PAGE_PORT} accept`,
      `${to} @closed meta l4proto tcp reject with tcp reset`,
      `${to} @closed reject`,
      "counter name guarded drop",
    ]),
  ];
}

/** Body of the table, without the chain that carries the version. */
function body(options: RuleOptions): string[] {
  const words = WORDS[options.family];
  return [
    ...declarations(words),
    ...cutPackets(words, options.markMask),
    ...persistenceChains(options.family, words.source),
    ...serverOf(words),
    ...latePackets(words),
    ...firstPackets(words),
    ...filters(words),
  ];
}

/** Name of an empty chain by which a daemon recognises rules of its own version. */
export const versionChain = (options: RuleOptions): string =>
  `rules_${stableHash(body(options).join("\n")).toString(16).padStart(8, "0")}`;

/** One transaction that replaces the table, whatever was there, by empty sets and constant rules. */
export function rulesText(options: RuleOptions): string {
  const name = tableName(options.family);
  const lines = [...body(options), ...chain(versionChain(options), [])];
  return [
    `table ${name} { }`,
    `delete table ${name}`,
    `table ${name} {`,
    ...lines.map((line) => ` ${line}`),
    "}",
    "",
  ].join("\n");
}

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
// Sets and maps called `wide…` hold ranges of ports, and are asked where the others, which are hashed, do
// not answer. Persistence (persistence-rules.ts) stands between the two.
import type { Family } from "@lbpair/common";
import { chain } from "./chain-text.js";
import { cutPackets, filters } from "./filter-rules.js";
import { stableHash } from "./hash.js";
import { passageSets } from "./passage-rules.js";
import { persistenceChains, persistenceSets } from "./persistence-rules.js";
import { WORDS, type Words } from "./rule-words.js";
import { WAYS } from "./slots.js";
import { firstPackets, latePackets, serverOf } from "./translation-rules.js";

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
    "counter postponed { }",
    `set floating { type ${type}; }`,
    "set arms { type ifname; }",
    `set closed { type ${socket}; }`,
    `set ambiguous { type ${socket}; }`,
    `set toservers { type ${socket}; counter; }`,
    `set fromservers { type ${socket}; counter; }`,
    `set wideclosed { type ${socket}; flags interval; }`,
    `set wideambiguous { type ${socket}; flags interval; }`,
    `set widetoservers { type ${socket}; flags interval; counter; }`,
    `set widefromservers { type ${socket}; flags interval; counter; }`,
    `map wideservices { type ${socket} : classid; flags interval; counter; }`,
    `map widevips { type ${socket} : ${type}; flags interval; }`,
    ...passageSets(type),
    `set cuts { type ${flow}; flags timeout, dynamic; timeout ${CUT_SECONDS}s; size ${CUTS_MAX}; }`,
    `map services { type ${socket} : classid; counter; }`,
    `map servers { type classid : ${type}; counter; }`,
    "map serverports { type classid : inet_service; }",
    "map ways { type classid : verdict; }",
    "map only { type classid : classid; }",
    "set serving { type classid; }",
    // The statement of the set itself is never met; each element has its own.
    "set limited { type classid; ct count over 4294967295; }",
    "set full { type classid; }",
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

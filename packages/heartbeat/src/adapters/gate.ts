// gate.ts — what the kernel's gate before the floating IPs looks like, as nft commands (no I/O).
import { familyOf } from "@lbpair/common/light";
import type { VirtualMac } from "../core/virtual-mac.js";
import { hex128, UNLEASED } from "./gate-words.js";
import { virtualPart } from "./virtual-gate.js";

/**
 * Every ARP packet (and IPv6 neighbour solicitation and advertisement) that speaks for a floating
 * IP is dropped unless the set `lease` holds its protocol. Reply, request and announcement alike: a
 * node that still holds an address sends requests in its name whenever it forwards.
 *
 *   egress  netdev table, one hook per link; sees packets of raw sockets too (Linux 5.16)
 *   output  arp and ip6 tables; what raw sockets send passes them by, so an announcer has to ask
 *           for the lease itself
 */
export type GateHook = "egress" | "output";

export interface GateLink {
  readonly link: string;
  readonly linkIndex: number;
}

export interface GateWanted {
  readonly hook: GateHook;
  readonly links: readonly GateLink[];
  readonly floatingIps: readonly string[];
  /** Only where the hook is "egress". */
  readonly virtual?: readonly VirtualMac[];
  /** Whether the set `lease` holds its keys and no more, so that it can be refreshed in place. */
  readonly bounded?: boolean;
}

/** One table of the gate, with the rules and elements it should have. */
interface GateTable {
  readonly family: "netdev" | "arp" | "ip6";
  readonly leaseKeys: readonly string[];
  readonly bounded: boolean;
  readonly sets: Readonly<Record<string, { readonly type: string; readonly elements: string[] }>>;
  /** By comment: the comment tells an older rule from this one's. */
  readonly rules: Readonly<Record<string, string>>;
  /** What arrives for a virtual MAC; none where there is no virtual MAC. */
  readonly arrival: Readonly<Record<string, string>>;
  /** Links whose arriving frames are looked at. */
  readonly arrivalLinks: readonly string[];
}

export const GATE_TABLE = "lbpair_gate";
/** Sets whose elements come and go with the pair's life, not with the configuration. */
const TIMED = ["lease", "voice", "through"];
/**
 * What stands in a bounded lease where there is none: frame types that nobody sends. A key that is not
 * there finds the set full, and one that lapsed counts until the kernel collects it: as seldom as it can.
 */
const FILLERS = ["0x0001", "0x0002"];
const SELDOM = "gc-interval 49d;";

/** For as many keys. */
export const fillersFor = ({ leaseKeys }: Pick<GateTable, "leaseKeys">): string =>
  `{ ${FILLERS.slice(0, leaseKeys.length).join(", ")} }`;

const arpPart = (addresses: string[]) => ({
  sets: { floating: { type: "type ipv4_addr", elements: addresses } },
  rules: { "arp 1": `arp saddr ip @floating ${UNLEASED}` },
});

/**
 * An advertisement names the address in its target field (RFC 4861 section 4.4, 64 bits into the
 * ICMPv6 message); a solicitation speaks for its source. nft 1.0.6 has no name for the target.
 */
const neighbourPart = (addresses: string[]) => ({
  sets: {
    source6: { type: "type ipv6_addr", elements: addresses },
    target6: { type: "typeof @th,64,128", elements: addresses.map(hex128) },
  },
  rules: {
    "source6 1": `icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 saddr @source6 ${UNLEASED}`,
    "target6 1": `icmpv6 type nd-neighbor-advert @th,64,128 @target6 ${UNLEASED}`,
  },
});

/** IPv6 rules exist only where there are IPv6 floating IPs: fewer words for other nft versions. */
export function gateTables(wanted: GateWanted): GateTable[] {
  const v4 = wanted.floatingIps.filter((address) => familyOf(address) === 4);
  const v6 = wanted.floatingIps.filter((address) => familyOf(address) === 6);
  const arp = arpPart(v4);
  const neighbour = v6.length === 0 ? { sets: {}, rules: {} } : neighbourPart(v6);
  const bounded = wanted.bounded === true;
  const nothing = { bounded, arrival: {}, arrivalLinks: [] };
  if (wanted.hook === "egress") {
    const virtual = virtualPart(wanted.virtual ?? []);
    const sets = { ...arp.sets, ...neighbour.sets, ...virtual.sets };
    const rules = { ...arp.rules, ...neighbour.rules, ...virtual.rules };
    const { arrival, arrivalLinks } = virtual;
    const keys = { leaseKeys: ["arp", "ip6"], bounded };
    return [{ family: "netdev", ...keys, sets, rules, arrival, arrivalLinks }];
  }
  const tables: GateTable[] = [{ family: "arp", leaseKeys: ["arp"], ...arp, ...nothing }];
  if (v6.length > 0) tables.push({ family: "ip6", leaseKeys: ["ip6"], ...neighbour, ...nothing });
  return tables;
}

// A link that was deleted and made again is another link to the kernel: the index says so.
const egressChain = (link: GateLink): string => `egress_${link.linkIndex}`;
const ingressChain = (link: GateLink): string => `ingress_${link.linkIndex}`;

/** A chain of the table that a hook of a link jumps from. */
interface Hooked {
  readonly chain: string;
  readonly hook: "egress" | "ingress";
  readonly link: string;
  readonly to: "gate" | "arrival";
}

function hooksOf(table: GateTable, links: readonly GateLink[]): Hooked[] {
  if (table.family !== "netdev") return [];
  return links.flatMap((on): Hooked[] => {
    const { link } = on;
    const out: Hooked = { chain: egressChain(on), hook: "egress", link, to: "gate" };
    if (!table.arrivalLinks.includes(link)) return [out];
    return [out, { chain: ingressChain(on), hook: "ingress", link, to: "arrival" }];
  });
}

const hookOf = (table: GateTable): string =>
  table.family === "netdev" ? "" : " { type filter hook output priority 0; policy accept; }";

/** What is compared between wanted and present: rules by comment, hooks by link, set elements. */
function shapeOf(rules: string[], chains: string[], sets: Readonly<Record<string, string[]>>) {
  const filled = Object.entries(sets).filter(([, elements]) => elements.length > 0);
  const sorted = filled.map(([name, elements]) => [name, ...elements.sort()].join(" ")).sort();
  return JSON.stringify([rules.sort(), chains.sort(), sorted]);
}

/** The table's own chains with their rules by comment; the second only where it is needed. */
const bodies = ({ rules, arrival, arrivalLinks }: GateTable) => ({
  gate: rules,
  ...(arrivalLinks.length === 0 ? {} : { arrival }),
});

export function wantedShape(table: GateTable, links: readonly GateLink[]): string {
  const hooks = hooksOf(table, links).map(({ chain }) => chain);
  const own = Object.entries(bodies(table));
  const rules = own.flatMap(([chain, body]) => Object.keys(body).map((each) => `${chain} ${each}`));
  const sets = Object.entries(table.sets).map(([name, set]): [string, string[]] => [
    name,
    set.elements.map(plainElement),
  ]);
  return shapeOf(
    [...rules, ...hooks.map((chain) => `${chain} jump`)],
    [...own.map(([chain]) => chain), ...hooks],
    Object.fromEntries(sets),
  );
}

/** nft drops leading zeros of numbers, in some versions. */
const plainElement = (element: unknown): string =>
  typeof element === "string" && element.startsWith("0x")
    ? BigInt(element).toString(16)
    : String(element);

interface Listed {
  readonly chain?: { readonly name: string };
  readonly rule?: { readonly chain: string; readonly comment?: string };
  readonly set?: {
    readonly name: string;
    readonly elem?: readonly unknown[];
    readonly size?: number;
  };
}

/** What `nft -j list table` shows of a table; the timed sets are left out. */
export interface PresentTable {
  readonly shape: string;
  readonly chains: readonly string[];
  readonly sets: readonly string[];
  /** "open": a set without a bound, as it was made before or on an older kernel. */
  readonly lease: "absent" | "open" | "bounded";
}

export const NO_TABLE: PresentTable = { shape: "absent", chains: [], sets: [], lease: "absent" };

export function presentShape(listing: string): PresentTable {
  const { nftables } = JSON.parse(listing) as { nftables: readonly Listed[] };
  const rules: string[] = [];
  const chains: string[] = [];
  const sets: Record<string, string[]> = {};
  let lease: PresentTable["lease"] = "absent";
  for (const { chain, rule, set } of nftables) {
    if (set?.name === "lease") lease = set.size === undefined ? "open" : "bounded";
    if (chain !== undefined) chains.push(chain.name);
    if (rule !== undefined) rules.push(`${rule.chain} ${rule.comment ?? "?"}`);
    if (set !== undefined && !TIMED.includes(set.name))
      sets[set.name] = (set.elem ?? []).map(plainElement);
  }
  return { shape: shapeOf(rules, chains, sets), chains, sets: Object.keys(sets), lease };
}

/**
 * One transaction that makes the table what it should be, whatever it was; the timed sets' elements
 * are not touched, so an unexpired lease goes on. What is there and no longer wanted goes.
 */
export function gateScript(
  table: GateTable,
  links: readonly GateLink[],
  present: PresentTable,
): string {
  const at = `${table.family} ${GATE_TABLE}`;
  const lines = [
    `add table ${at}`,
    ...TIMED.map((name) => `add set ${at} ${name} { ${timedSet(table, name)} }`),
    ...(table.bounded && present.lease === "absent"
      ? [`add element ${at} lease ${fillersFor(table)}`]
      : []),
    ...Object.entries(table.sets).map(([name, set]) => `add set ${at} ${name} { ${set.type}; }`),
  ];
  for (const [name, rules] of Object.entries(bodies(table))) {
    lines.push(`add chain ${at} ${name}${hookOf(table)}`, `flush chain ${at} ${name}`);
    for (const [comment, rule] of Object.entries(rules))
      lines.push(`add rule ${at} ${name} ${rule} comment "${comment}"`);
  }
  for (const { chain, hook, link, to } of hooksOf(table, links)) {
    const base = `type filter hook ${hook} device "${link}" priority 0; policy accept;`;
    lines.push(`add chain ${at} ${chain} { ${base} }`, `flush chain ${at} ${chain}`);
    lines.push(`add rule ${at} ${chain} jump ${to} comment "jump"`);
  }
  for (const chain of staleChains(table, present.chains, links))
    lines.push(`flush chain ${at} ${chain}`, `delete chain ${at} ${chain}`);
  for (const set of present.sets.filter((name) => !(name in table.sets)))
    lines.push(`delete set ${at} ${set}`);
  for (const [name, { elements }] of Object.entries(table.sets)) {
    lines.push(`flush set ${at} ${name}`);
    if (elements.length > 0) lines.push(`add element ${at} ${name} { ${elements.join(", ")} }`);
  }
  return `${lines.join("\n")}\n`;
}

function timedSet({ bounded, leaseKeys }: GateTable, name: string): string {
  const bound = bounded && name === "lease" ? `size ${leaseKeys.length}; ${SELDOM} ` : "";
  return `type ether_type; ${bound}flags timeout;`;
}

/** Chains present that nobody wants; one that others jump to goes last. */
function staleChains(
  table: GateTable,
  chains: readonly string[],
  links: readonly GateLink[],
): string[] {
  const wanted = hooksOf(table, links).map(({ chain }) => chain);
  return chains
    .filter((chain) => !wanted.includes(chain) && !(chain in bodies(table)))
    .sort((a, b) => Number(a === "arrival") - Number(b === "arrival"));
}

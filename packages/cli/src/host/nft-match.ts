// nft-match.ts — whether a packet matches one nft expression: yes, no, or not to be known from here.
import { addressBytes, familyOf, inNetwork, normalAddress } from "@lbpair/common";
import { isRecord } from "../verbs/answer.js";

export type Truth = "yes" | "no" | "maybe";

/** A packet as far as it is known; null = it may be anything. */
export interface ProbePacket {
  readonly family: 4 | 6;
  readonly protocol: "tcp" | "udp";
  readonly source: string | null;
  readonly destination: string | null;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  readonly inLink: string | null;
  readonly outLink: string | null;
  readonly state: "new" | "established";
  /** Whether its destination was translated by lbpair. */
  readonly translated: boolean;
}

/** Elements of the named set `@name`; undefined where it is not known. */
export type SetElements = (name: string) => readonly unknown[] | undefined;

type Value =
  | { readonly kind: "known"; readonly value: string | number }
  | { readonly kind: "unknown" }
  /** The packet has no such field, so no comparison holds. */
  | { readonly kind: "absent" };

const known = (value: string | number | null): Value =>
  value === null ? { kind: "unknown" } : { kind: "known", value };
const UNKNOWN: Value = { kind: "unknown" };
const ABSENT: Value = { kind: "absent" };

function payloadValue(protocol: unknown, field: unknown, packet: ProbePacket): Value {
  if (protocol === "ip" || protocol === "ip6") {
    if ((protocol === "ip" ? 4 : 6) !== packet.family) return ABSENT;
    if (field === "saddr") return known(packet.source);
    if (field === "daddr") return known(packet.destination);
    if (field === "protocol" || field === "nexthdr") return known(packet.protocol);
    return UNKNOWN;
  }
  if (protocol === "tcp" || protocol === "udp" || protocol === "th") {
    if (protocol !== "th" && protocol !== packet.protocol) return ABSENT;
    if (field === "sport") return known(packet.sourcePort);
    if (field === "dport") return known(packet.destinationPort);
    return UNKNOWN;
  }
  return protocol === "icmp" || protocol === "icmpv6" || protocol === "sctp" ? ABSENT : UNKNOWN;
}

function metaValue(key: unknown, packet: ProbePacket): Value {
  switch (key) {
    case "iif":
    case "iifname":
      return known(packet.inLink);
    case "oif":
    case "oifname":
      return known(packet.outLink);
    case "l4proto":
      return known(packet.protocol);
    case "nfproto":
      return known(packet.family === 4 ? "ipv4" : "ipv6");
    case "protocol":
      return known(packet.family === 4 ? "ip" : "ip6");
    default:
      return UNKNOWN;
  }
}

/** The packet's value of the left side of a comparison. */
export function leftValue(left: unknown, packet: ProbePacket): Value {
  if (!isRecord(left)) return UNKNOWN;
  if (isRecord(left.payload))
    return payloadValue(left.payload.protocol, left.payload.field, packet);
  if (isRecord(left.meta)) return metaValue(left.meta.key, packet);
  if (isRecord(left.ct)) {
    if (left.ct.key === "state") return known(packet.state);
    if (left.ct.key === "status" && packet.translated) return known("dnat");
  }
  return UNKNOWN;
}

function compareAddresses(a: string, b: string): number {
  const x = addressBytes(a);
  const y = addressBytes(b);
  for (const [i, octet] of x.entries()) {
    const difference = octet - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function inRange(value: string | number, first: unknown, last: unknown): Truth {
  if (typeof value === "number") {
    return typeof first === "number" && typeof last === "number"
      ? truth(first <= value && value <= last)
      : "maybe";
  }
  const [a, b] = [first, last].map((end) =>
    typeof end === "string" ? normalAddress(end) : undefined,
  );
  if (a === undefined || b === undefined) return "maybe";
  if (familyOf(a) !== familyOf(value)) return "no";
  return truth(compareAddresses(a, value) <= 0 && compareAddresses(value, b) <= 0);
}

const truth = (is: boolean): Truth => (is ? "yes" : "no");

function equals(value: string | number, right: string | number): Truth {
  if (typeof value === "number" || typeof right === "number") return truth(value === right);
  if (right.endsWith("*")) return truth(value.startsWith(right.slice(0, -1)));
  const address = normalAddress(right);
  return truth(value === (address ?? right));
}

/** Whether a value is one of what stands on the right side. */
export function matchesRight(value: string | number, right: unknown, sets: SetElements): Truth {
  if (typeof right === "string" && right.startsWith("@")) {
    const elements = sets(right.slice(1));
    return elements === undefined ? "maybe" : anyOf(value, elements, sets);
  }
  if (typeof right === "string" || typeof right === "number") return equals(value, right);
  if (Array.isArray(right)) return anyOf(value, right, sets);
  if (!isRecord(right)) return "maybe";
  if (Array.isArray(right.set)) return anyOf(value, right.set, sets);
  if (Array.isArray(right.range)) return inRange(value, right.range[0], right.range[1]);
  if (isRecord(right.elem)) return matchesRight(value, right.elem.val, sets);
  if (isRecord(right.prefix) && typeof value === "string") {
    const { addr, len } = right.prefix;
    if (typeof addr !== "string" || typeof len !== "number") return "maybe";
    return truth(inNetwork(value, addr, len));
  }
  return "maybe";
}

function anyOf(value: string | number, elements: readonly unknown[], sets: SetElements): Truth {
  let best: Truth = "no";
  for (const element of elements) {
    const found = matchesRight(value, element, sets);
    if (found === "yes") return "yes";
    if (found === "maybe") best = "maybe";
  }
  return best;
}

const opposite = (of: Truth): Truth => (of === "yes" ? "no" : of === "no" ? "yes" : "maybe");

/** One `match` statement: left, op, right. */
export function matchTruth(match: unknown, packet: ProbePacket, sets: SetElements): Truth {
  if (!isRecord(match)) return "maybe";
  const value = leftValue(match.left, packet);
  if (value.kind === "absent") return "no";
  if (value.kind === "unknown") return "maybe";
  const found = matchesRight(value.value, match.right, sets);
  if (match.op === "==" || match.op === "in") {
    // A translated packet has other status bits than dnat too, which cannot be known here.
    return found === "no" && isStatus(match.left) ? "maybe" : found;
  }
  return match.op === "!=" ? opposite(found) : "maybe";
}

const isStatus = (left: unknown): boolean =>
  isRecord(left) && isRecord(left.ct) && left.ct.key === "status";

// lease-line.ts — the lease as one line of nft, and read back from what nft prints (no I/O).
import { type Millis, millis } from "@lbpair/common/light";
import { fillersFor, GATE_TABLE, type GateWanted, gateTables } from "./gate.js";

/** How long the kernel may let the floating IPs be answered for without hearing from us. */
export type LeaseLength = Millis | "unlimited";

/**
 * A line is one transaction. Deleting first is what makes a refresh fail as a whole on a lapsed
 * element, so that a late refresh cannot revive it; and kernels before 6.12 do not extend an
 * element that is there. Flushing first is what makes a grant work either way.
 */
function perTable(
  tables: readonly Pick<ReturnType<typeof gateTables>[number], "family" | "leaseKeys">[],
  words: (set: string, keys: readonly string[]) => string[],
): string {
  return tables
    .flatMap(({ family, leaseKeys }) => words(`${family} ${GATE_TABLE} lease`, leaseKeys))
    .join("; ");
}

const inMs = (time: Millis): string => `${Math.max(1, Math.round(time))}ms`;

function elements(keys: readonly string[], time: LeaseLength): string {
  const timeout = time === "unlimited" ? "" : ` timeout ${inMs(time)}`;
  return `{ ${keys.map((key) => `${key}${timeout}`).join(", ")} }`;
}

/** The tables are gone through once: a refresh each keepalive must not cost more with more floating IPs. */
export function refresher(wanted: GateWanted): (time: LeaseLength) => string {
  const tables = gateTables(wanted).map(({ family, leaseKeys }) => ({ family, leaseKeys }));
  if (wanted.bounded === true) return (time) => prolong(wanted, tables, time);
  const words = (time: LeaseLength) => (set: string, keys: readonly string[]) => [
    `delete element ${set} { ${keys.join(", ")} }`,
    `add element ${set} ${elements(keys, time)}`,
  ];
  return (time) => withVirtual(wanted, time, perTable(tables, words(time)));
}

/**
 * Where the lease is bounded, what is there is prolonged in place (Linux 6.12), and what has lapsed, or was
 * revoked, finds the set full. Nothing is deleted, so nothing waits until no processor looks at it any more.
 */
function prolong(
  wanted: GateWanted,
  tables: Parameters<typeof perTable>[0],
  time: LeaseLength,
): string {
  const add = (set: string, keys: readonly string[], length: LeaseLength) => {
    const ms = length === "unlimited" ? "" : inMs(length);
    const timeout = ms === "" ? "" : ` timeout ${ms} expires ${ms}`;
    return `add element ${set} { ${keys.map((key) => `${key}${timeout}`).join(", ")} }`;
  };
  const line = perTable(tables, (set, keys) => [add(set, keys, time)]);
  if (!isVirtual(wanted)) return line;
  return `${line}; ${add(VOICE, PROTOCOLS, time)}; ${add(THROUGH, PROTOCOLS, throughTime(time))}`;
}

export const grantLine = (wanted: GateWanted, time: LeaseLength): string =>
  withVirtual(
    wanted,
    time,
    perTable(gateTables(wanted), (set, keys) => [
      `flush set ${set}`,
      `add element ${set} ${elements(keys, time)}`,
    ]),
  );

export const revokeLine = (wanted: GateWanted): string => {
  const tables = gateTables(wanted);
  const line = perTable(tables, (set, leaseKeys) => [
    `flush set ${set}`,
    ...(wanted.bounded === true ? [`add element ${set} ${fillersFor({ leaseKeys })}`] : []),
  ]);
  return isVirtual(wanted) ? `${line}; flush set ${VOICE}` : line;
};

/**
 * How much longer than the lease a node lets everything through that arrives for its virtual MACs.
 * A frozen or dead daemon's kernel goes on forwarding until the peer has taken over and the switch
 * has learnt it, and about as long as neighbours remember an address where there is no peer.
 */
export const THROUGH_AFTER_LEASE_MS = 30_000;
const VOICE = `netdev ${GATE_TABLE} voice`;
const THROUGH = `netdev ${GATE_TABLE} through`;
const PROTOCOLS = ["arp", "ip", "ip6"];

const isVirtual = ({ virtual }: GateWanted): boolean => (virtual ?? []).length > 0;

/** Everything that arrives for a virtual MAC is let through for so long. Empty where there is none. */
export const throughLine = (wanted: GateWanted, time: LeaseLength): string =>
  isVirtual(wanted)
    ? `flush set ${THROUGH}; add element ${THROUGH} ${elements(PROTOCOLS, time)}`
    : "";

/** From now on only open TCP connections are let through. Empty where there is no virtual MAC. */
export const shutLine = (wanted: GateWanted): string =>
  isVirtual(wanted) ? `flush set ${THROUGH}` : "";

/** In the same transaction, so that what the lease's line cannot do is not done for a virtual MAC either. */
function withVirtual(wanted: GateWanted, lease: LeaseLength, line: string): string {
  if (!isVirtual(wanted)) return line;
  const voice = `flush set ${VOICE}; add element ${VOICE} ${elements(PROTOCOLS, lease)}`;
  return `${line}; ${voice}; ${throughLine(wanted, throughTime(lease))}`;
}

function throughTime(lease: LeaseLength): LeaseLength {
  return lease === "unlimited" ? lease : millis(lease + THROUGH_AFTER_LEASE_MS);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};

/** nft's own way to write a time: "1m30s", "5s596ms". */
export function parseNftTime(text: string): Millis {
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[dhms])/g)) {
    total += Number(count) * (UNIT_MS[unit ?? ""] ?? 0);
  }
  return millis(total);
}

/**
 * What is left of a lease, read from `nft list set`; null = there is none. To the millisecond, which
 * nft's JSON is not. The shortest of the elements counts.
 */
export function parseLease(listing: string): LeaseLength | null {
  const body = /elements = \{([^}]*)\}/.exec(listing)?.[1];
  if (body === undefined) return null;
  const held = body.split(",").filter((element) => /^\s*(arp|ip6)\b/.test(element));
  if (held.length === 0) return null;
  const left = held.map((element) => /expires (\S+)/.exec(element)?.[1]);
  const limited = left.filter((text) => text !== undefined).map(parseNftTime);
  return limited.length === 0 ? "unlimited" : millis(Math.min(...limited));
}

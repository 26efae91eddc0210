// persistence.ts — what source-address persistence can be set to; the kernel has a chain for each pair.
import { type Family, networkOf } from "./address.js";

/** How long a client that opens nothing new keeps its server, in seconds by how it is written. */
export const PERSISTENCE_TIMEOUTS = {
  "1m": 60,
  "2m": 120,
  "5m": 300,
  "10m": 600,
  "15m": 900,
  "30m": 1800,
  "1h": 3600,
  "2h": 7200,
  "4h": 14_400,
  "8h": 28_800,
  "12h": 43_200,
  "24h": 86_400,
} as const;
export type PersistenceTimeout = keyof typeof PERSISTENCE_TIMEOUTS;

/**
 * Leading bits of a client's address that stand for it: the whole address, or a network. None for IPv6:
 * nft 1.0.6 writes a rule for so long a key that overwrites a part of it.
 */
export const PERSISTENCE_NETMASKS: Readonly<Record<Family, readonly number[]>> = {
  4: [32, 24, 16, 8],
  6: [],
};

/** A netmask as an address: 24 is 255.255.255.0. */
export const netmaskText = (family: Family, netmask: number): string =>
  networkOf(family === 4 ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", netmask);

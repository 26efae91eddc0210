// persistence-rules.ts — the part of the rules by which a client comes back to the server it had.
//
// `persist` says it: client (masked) . service → server, written by the packets themselves and gone by
// its timeout. nft's language wants mask and timeout in the rule, so there is a chain for each that may
// be configured, and a service's number says which is its own (`persistence`, `keeps`): the rules stay
// the same whatever is configured. Key and value need service and server at once, and `meta priority`
// holds one number: that is why a server's number is its service's in the upper bits.
import {
  type Family,
  netmaskText,
  PERSISTENCE_NETMASKS,
  PERSISTENCE_TIMEOUTS,
} from "@lbpair/common";
import { chain } from "./chain-text.js";
import { SERVICE_BITS } from "./service-id.js";

/** Clients (or networks of them) that are remembered on all services; more are dealt as the scheduler says. */
export const PERSISTED_MAX = 65_536;

/** Chain that looks up the server a client had. */
export const findChain = (netmask: number): string => `had_${netmask}`;
/** Chain that remembers the client's server. */
export const keepChain = (netmask: number, timeout: string): string => `keep_${netmask}_${timeout}`;

export const persistenceSets = (type: string): string[] => [
  "map persistence { type classid : verdict; }",
  "map keeps { type classid : verdict; }",
  `map persist { type ${type} . classid : classid; flags timeout, dynamic; size ${PERSISTED_MAX}; }`,
];

const service = `meta priority & 0x${SERVICE_BITS.toString(16)}`;

/**
 * A client whose server gets nothing new is dealt another, and that one is remembered. `update` leaves
 * the value of an element that is there, so the old one goes first.
 */
export function persistenceChains(family: Family, source: string): string[] {
  return PERSISTENCE_NETMASKS[family].flatMap((netmask) => {
    const client = `${source} & ${netmaskText(family, netmask)}`;
    return [
      ...chain(findChain(netmask), [
        `meta priority set ${client} . meta priority map @persist`,
        `ct state new meta priority != @serving delete @persist { ${client} . ${service} : meta priority }`,
        `meta priority != @serving meta priority set ${service}`,
      ]),
      ...Object.keys(PERSISTENCE_TIMEOUTS).flatMap((timeout) =>
        chain(keepChain(netmask, timeout), [
          `update @persist { ${client} . ${service} timeout ${timeout} : meta priority }`,
        ]),
      ),
    ];
  });
}

/** What the first packet of a flow does once its server is found. */
export const keepServer = `meta priority @serving ${service} vmap @keeps`;

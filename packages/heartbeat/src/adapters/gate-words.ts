// gate-words.ts — words of nft that several parts of the gate's rules share (no I/O).
import { addressBytes } from "@lbpair/common/light";

/** Ends a rule: dropped unless the lease holds the frame's protocol. */
export const UNLEASED = "meta protocol != @lease counter drop";

/** Sixteen octets as nft compares them with a piece of a packet. */
export const hex128 = (address: string): string =>
  `0x${addressBytes(address)
    .map((octet) => octet.toString(16).padStart(2, "0"))
    .join("")}`;

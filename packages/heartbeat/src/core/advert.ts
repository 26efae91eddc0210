// advert.ts — what a node says of itself each keepalive.
import type { Designation, RevisionId } from "@lbpair/common";

/** How well the sender hears its peer on one of its own paths. */
export interface Hearing {
  /** Milliseconds since it last heard the peer there; null = not in this session. */
  readonly ageMs: number | null;
  /** `sentUs` of the advert it last heard there, for the peer to know the round trip; 0 = none. */
  readonly sentUs: number;
  /** Of a thousand adverts, how many did not come lately; null = too few to say. */
  readonly lossPermille: number | null;
}

export interface Advert {
  /** Version of the wire format it came in, or is to be sent in. */
  readonly version: number;
  /** Newest version that the sender understands. */
  readonly newest: number;
  readonly designation: Designation;
  readonly active: boolean;
  /** Whether the sender could carry traffic: its forwarder has loaded the rules. */
  readonly ready: boolean;
  /** The sender is active, answers ARP no more and asks the receiver to take over. */
  readonly yielding: boolean;
  /** The sender is passive and asks the active receiver to hand over. */
  readonly requesting: boolean;
  /** The sender hands over, or asks to, for the sake of health: by its own doing, not by an order. */
  readonly forHealth: boolean;
  /** The sender has not heard its peer for longer than warntime and asks for an answer at once. */
  readonly probing: boolean;
  /** Number of things wrong with the sender's health; 0 is best. */
  readonly faults: number;
  /** Of the faults, ping nodes that do not answer. */
  readonly pingsLost: number;
  /** How late the sender's event loop was at most, of late; null = it does not say. */
  readonly latenessMs: number | null;
  /** MACs of the sender's links that carry floating IPs, lower case with colons. */
  readonly macs: readonly string[];
  /** Sender's monotonic clock in microseconds, from an origin of its own; 0 = it does not say. */
  readonly sentUs: number;
  /** Index of the path in the sender's configuration. */
  readonly path: number;
  /** How long the sender's kernel goes on answering ARP without its heartbeat; 0 = it does not. */
  readonly leaseMs: number;
  /** Rises with every round of adverts; all paths of one round share it. */
  readonly sequence: number;
  /** Random name of the sender's present run, 16 hex digits. */
  readonly session: string;
  /** Session of the peer that the sender has accepted; "0000000000000000" = none. */
  readonly echo: string;
  /** Session of a peer that said hello but is not accepted yet. */
  readonly echoCandidate: string;
  /** Kernel's boot id, 32 hex digits. */
  readonly bootId: string;
  /** Number of the sender's claim; 0 where it never claimed. */
  readonly epoch: number;
  /** Highest epoch the sender has ever seen. */
  readonly highestEpoch: number;
  /** Verdicts that the sender's forwarder follows. */
  readonly verdicts: RevisionId;
  readonly revision: RevisionId;
  readonly modes: RevisionId;
  /** Sender's wall clock, milliseconds since 1970; shown to people, never decided on. */
  readonly wallMs: number;
  readonly hearing: readonly Hearing[];
}

/** Whether the sender has heard nothing of its peer for a deadtime, on any path. */
export const hearsNothing = ({ hearing }: Advert, deadtime: number): boolean =>
  hearing.every(({ ageMs }) => ageMs === null || ageMs > deadtime);

/** A piece of the active's verdicts, for a peer that follows others. */
export interface VerdictsPart {
  /** Version of the wire format; a piece looks the same in all of them. */
  readonly version: number;
  readonly designation: Designation;
  readonly session: string;
  readonly echo: string;
  readonly sequence: number;
  readonly id: RevisionId;
  readonly part: number;
  readonly parts: number;
  readonly text: string;
}

export type Datagram =
  | { readonly kind: "advert"; readonly advert: Advert }
  | { readonly kind: "verdicts"; readonly verdicts: VerdictsPart };

export const NO_SESSION = "0000000000000000";
export const NO_REVISION: RevisionId = { serial: 0, hash: "0000000000000000" };

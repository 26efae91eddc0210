// probe-kinds.ts — every probe there is, with what it is told and what it answers.
import type { ArpWatchOptions, ArpWatchResult } from "./arp-watch.js";
import type { AssociationOptions, AssociationResult } from "./association.js";
import type { BusyConnectionsOptions, BusyConnectionsResult } from "./busy-connections.js";
import type { Hl7OrderOptions, Hl7OrderResult } from "./hl7-order.js";
import type { NewConnectionsOptions, NewConnectionsResult } from "./new-connections.js";
import type { UdpEchoOptions, UdpEchoResult } from "./udp-echo.js";

export interface ProbeKinds {
  "udp-echo": { options: UdpEchoOptions; result: UdpEchoResult };
  "new-connections": { options: NewConnectionsOptions; result: NewConnectionsResult };
  "busy-connections": { options: BusyConnectionsOptions; result: BusyConnectionsResult };
  "arp-watch": { options: ArpWatchOptions; result: ArpWatchResult };
  "hl7-order": { options: Hl7OrderOptions; result: Hl7OrderResult };
  association: { options: AssociationOptions; result: AssociationResult };
}

export type ProbeKind = keyof ProbeKinds;

/** What a probe writes, one JSON object per line. */
export type ProbeLine =
  | { readonly event: "ready"; readonly atMs: number }
  | { readonly event: "result"; readonly result: unknown }
  | { readonly event: "failed"; readonly reason: string };

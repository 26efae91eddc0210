// hello.ts — the first word of a run: it claims nothing, and asks the peer to make itself known.
import type { Designation } from "@lbpair/common";
import { type Advert, NO_REVISION, NO_SESSION } from "./advert.js";
import { WIRE_VERSION, WIRE_VERSION_OLDEST } from "./wire.js";

/**
 * It echoes no session, so it counts nowhere as a sign of life, whatever it says: a daemon that does
 * not yet know what the kernel holds can send it. A peer answers with a round of adverts that names
 * this run, so the first true advert counts at once.
 */
export const helloAdvert = (of: {
  readonly designation: Designation;
  readonly bootId: string;
  readonly session: string;
  readonly sequence: number;
  readonly path: number;
}): Advert => ({
  ...of,
  version: WIRE_VERSION_OLDEST,
  newest: WIRE_VERSION,
  active: false,
  ready: false,
  yielding: false,
  requesting: false,
  forHealth: false,
  probing: false,
  faults: 0,
  pingsLost: 0,
  latenessMs: null,
  macs: [],
  sentUs: 0,
  leaseMs: 0,
  echo: NO_SESSION,
  echoCandidate: NO_SESSION,
  epoch: 0,
  highestEpoch: 0,
  verdicts: NO_REVISION,
  revision: NO_REVISION,
  modes: NO_REVISION,
  wallMs: 0,
  hearing: [],
});

// round.ts — one round of adverts: the same saying on every path, each signed.
import type { Designation, Millis } from "@lbpair/common";
import type { Advert } from "./advert.js";
import type { Conversation } from "./conversation.js";
import { helloAdvert } from "./hello.js";
import { CHALLENGE_SEQUENCE } from "./session.js";
import { encodeAdvert, onPath, type Sign, WIRE_VERSION } from "./wire.js";

/** What changes from advert to advert; the rest is the conversation's. */
export type Saying = Omit<
  Advert,
  | "version"
  | "newest"
  | "designation"
  | "path"
  | "sequence"
  | "session"
  | "echo"
  | "echoCandidate"
  | "bootId"
  | "sentUs"
  | "hearing"
>;

export interface Speaker {
  readonly designation: Designation;
  readonly bootId: string;
  readonly sign: Sign;
}

/** What follows a round while a run shows up beside the accepted one: a challenge on each path, or nothing. */
export function encodeChallenge(
  conversation: Conversation,
  { designation, bootId, sign }: Speaker,
  now: Millis,
): Uint8Array[] {
  const session = conversation.challenge(now);
  if (session === null) return [];
  const sequence = CHALLENGE_SEQUENCE;
  const hello = helloAdvert({ designation, bootId, session, sequence, path: 0 });
  const bytes = encodeAdvert(hello, sign);
  return conversation.paths.map((_, path) => (path === 0 ? bytes : onPath(bytes, path, sign)));
}

/** The datagrams of one round, one for each path. */
export function encodeRound(
  saying: Saying,
  conversation: Conversation,
  { designation, bootId, sign }: Speaker,
  now: Millis,
): Uint8Array[] {
  const { session } = conversation;
  // Written out: spreading objects of so many fields takes longer than all the bytes.
  const first: Advert = {
    active: saying.active,
    ready: saying.ready,
    yielding: saying.yielding,
    requesting: saying.requesting,
    forHealth: saying.forHealth,
    probing: saying.probing,
    faults: saying.faults,
    pingsLost: saying.pingsLost,
    latenessMs: saying.latenessMs,
    macs: saying.macs,
    leaseMs: saying.leaseMs,
    epoch: saying.epoch,
    highestEpoch: saying.highestEpoch,
    verdicts: saying.verdicts,
    revision: saying.revision,
    modes: saying.modes,
    wallMs: saying.wallMs,
    version: conversation.version,
    newest: WIRE_VERSION,
    sentUs: Math.round(now * 1000),
    designation,
    bootId,
    session: session.mine,
    echo: conversation.echo,
    echoCandidate: conversation.echoCandidate,
    sequence: conversation.nextSequence(),
    path: 0,
    hearing: conversation.hearing(now),
  };
  const bytes = encodeAdvert(first, sign);
  return conversation.paths.map((_, path) => (path === 0 ? bytes : onPath(bytes, path, sign)));
}

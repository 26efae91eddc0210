// arp-watch.ts — a third host that asks all the time who has an address, and writes down every claim.
import { readFileSync } from "node:fs";
import { openPacketReceiver, openPacketSocket, RawSocketError } from "@lbpair/common";
import { monotonicMs, startTicker } from "../ticker.js";
import { arpQuestion, ETHERTYPE_ARP, readClaim } from "./arp-packet.js";
import {
  type Claim,
  type ClaimRun,
  claimRuns,
  type Overlap,
  overlaps,
  unanswered,
} from "./claims.js";
import type { Gap } from "./gaps.js";
import type { ProbeLife } from "./probe-life.js";

export interface ArpWatchOptions {
  readonly link: string;
  /** The watcher's own address. */
  readonly address: string;
  readonly targets: readonly string[];
  /** Addresses that are not asked for, whose claims are written down too. */
  readonly listenFor?: readonly string[];
  /** Milliseconds between questions. */
  readonly intervalMs: number;
  /** A claimant silent for longer has stopped; a later claim begins a new run. */
  readonly pauseMs: number;
}

export interface WatchedAddress {
  readonly address: string;
  readonly asked: number;
  readonly claims: readonly Claim[];
  readonly runs: readonly ClaimRun[];
  /** Times with two claimants. */
  readonly overlaps: readonly Overlap[];
  /** Times in which nobody answered questions; empty where it was not asked for. */
  readonly unanswered: readonly Gap[];
  /** Longest time in which nobody claimed it. */
  readonly longestSilenceMs: number;
}

export interface ArpWatchResult {
  readonly watched: readonly WatchedAddress[];
  /** How late this probe itself was at most, in milliseconds. */
  readonly latenessMaxMs: number;
}

const CLAIMS_MAX = 200_000;
const READ_MS = 1;
/** A thousand addresses are announced in one burst of two thousand frames. */
const BUFFER_BYTES = 16 * 1024 * 1024;
/** After the last question, how long answers are waited for. */
const LINGER_MS = 20;

const linkFact = (link: string, fact: "address" | "ifindex"): string =>
  readFileSync(`/sys/class/net/${link}/${fact}`, "utf8").trim();

/** A question that cannot leave (cable out, queue full) is one that nobody answers. */
function ask(send: () => void): void {
  try {
    send();
  } catch (error) {
    if (!(error instanceof RawSocketError)) throw error;
  }
}

function longestSilence(claims: readonly Claim[]): number {
  let longest = 0;
  for (const [i, claim] of claims.entries()) {
    const before = claims[i - 1];
    if (before !== undefined) longest = Math.max(longest, claim.atMs - before.atMs);
  }
  return longest;
}

/** Runs until `stop` resolves. */
export async function watchArp(options: ArpWatchOptions, life: ProbeLife): Promise<ArpWatchResult> {
  const mac = linkFact(options.link, "address");
  const linkIndex = Number(linkFact(options.link, "ifindex"));
  const questions = options.targets.map((target) =>
    arpQuestion({ mac, ip: options.address }, target),
  );
  const written = [...options.targets, ...(options.listenFor ?? [])];
  const heard = new Map(written.map((target): [string, Claim[]] => [target, []]));
  let askedAtMs: number[] = [];
  const take = (frame: Buffer) => {
    const claim = readClaim(frame, mac);
    const list = claim === undefined ? undefined : heard.get(claim.address);
    if (claim === undefined || list === undefined || list.length >= CLAIMS_MAX) return;
    list.push({ atMs: monotonicMs(), mac: claim.mac, kind: claim.kind });
  };
  const sender = openPacketSocket();
  const receiver = openPacketReceiver(linkIndex, ETHERTYPE_ARP, take, {
    pollMs: READ_MS,
    bufferBytes: BUFFER_BYTES,
  });
  const asking = startTicker(options.intervalMs, () => {
    // What came in while this process waited for a processor is the answer to an older question.
    receiver.poll();
    askedAtMs.push(monotonicMs());
    for (const question of questions) ask(() => sender.send(linkIndex, question));
  });
  life.onMark(() => {
    askedAtMs = [];
    for (const claims of heard.values()) claims.length = 0;
  });
  life.ready();
  await life.stop;
  asking.stop();
  await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
  receiver.poll();
  receiver.close();
  sender.close();
  const watched = [...heard].map(([address, claims]): WatchedAddress => {
    const runs = claimRuns(claims, options.pauseMs);
    const longestSilenceMs = longestSilence(claims);
    return {
      ...{ address, asked: askedAtMs.length, claims, runs, overlaps: overlaps(runs) },
      unanswered: options.targets.includes(address) ? unanswered(askedAtMs, claims) : [],
      longestSilenceMs,
    };
  });
  return { watched, latenessMaxMs: asking.latenessMaxMs };
}

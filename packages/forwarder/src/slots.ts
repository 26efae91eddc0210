// slots.ts — which slot of a service's table belongs to which server, and how a packet finds its slot.
//
// With the hashes a connection's slot is a function of its packets, so both nodes find the same server
// for the same packet. The table has to be a function of configuration and pool alone (never of
// history), and a server that leaves the pool may move its own slots only:
//   1. Deal every slot among all *configured* servers, exact shares by weight, in the order of a
//      weighted rendezvous score: a changed configuration moves little more than it must.
//   2. A slot whose owner is not serving goes to the serving server that scores highest for it.
// In turns, the slots are a round: exact shares by weight of those that serve, spread evenly.
import { addressBytes } from "@lbpair/common";
import { jhash, mix, scaleTo, stableHash } from "./hash.js";

/** Sizes of a table that a hash of the packet looks into. */
const HASH_SIZES = [64, 1024] as const;
/**
 * Sizes of a table that is dealt in turns. All services of one size share the kernel's counter; a
 * prime has no rhythm in common with services whose connections take turns.
 */
const TURN_SIZES = [61, 1021] as const;
export type SlotSize = (typeof HASH_SIZES)[number] | (typeof TURN_SIZES)[number];

/** What a packet's slot is: a hash of client address and port, of the address alone, or the next one. */
export type WayKind = "flow" | "source" | "turn";

/** How a service's packets find their slot; the rules have one chain of this name for each. */
export interface Way {
  readonly name: string;
  readonly kind: WayKind;
  readonly size: SlotSize;
}

const SIZES: Readonly<Record<WayKind, readonly SlotSize[]>> = {
  flow: HASH_SIZES,
  source: HASH_SIZES,
  turn: TURN_SIZES,
};

export const WAYS: readonly Way[] = (["flow", "source", "turn"] as const).flatMap((kind) =>
  SIZES[kind].map((size) => ({ name: `by_${kind}_${size}`, kind, size })),
);

/** Seed of the packet hash, equal on every node for ever: another seed would move every flow. */
export const SLOT_SEED = 0x6c627069;

/** A share that is off by more than this many percent calls for the larger table. */
const SHARE_ERROR_PERCENT_MAX = 10;

/** What dealing has to know of a server. */
export interface SlotServer {
  /** What the server is, not what it is called: a new label moves no flow. */
  readonly address: string;
  readonly port: number;
  readonly weight: number;
}

/** Share of each server in whole slots, by largest remainder; they add up to `size`. */
export function quotas(weights: readonly number[], size: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return weights.map(() => 0);
  const exact = weights.map((weight) => (weight * size) / total);
  const shares = exact.map(Math.floor);
  let left = size - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = exact
    .map((value, index) => ({ index, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder) {
    if (left === 0) break;
    shares[index] = (shares[index] ?? 0) + 1;
    left -= 1;
  }
  return shares;
}

/** The way with the smallest table in which every server's share is near its weight; depends on weights only. */
export function chooseWay(kind: WayKind, weights: readonly number[]): Way {
  const ways = WAYS.filter((way) => way.kind === kind);
  const size = ways.find((way) => isNear(weights, way.size)) ?? ways.at(-1);
  if (size === undefined) throw new RangeError(`no way of kind ${kind}`);
  return size;
}

function isNear(weights: readonly number[], size: number): boolean {
  const positive = weights.filter((weight) => weight > 0);
  const total = positive.reduce((sum, weight) => sum + weight, 0);
  const shares = quotas(positive, size);
  return positive.every((weight, index) => {
    const exact = (weight * size) / total;
    return Math.abs((shares[index] ?? 0) - exact) * 100 <= exact * SHARE_ERROR_PERCENT_MAX;
  });
}

/** Weighted rendezvous: the highest score of a slot wins; P(win) is proportional to the weight. */
const score = (key: number, slot: number, weight: number): number =>
  -weight / Math.log((mix(key ^ mix(slot + 1)) + 0.5) / 0x1_0000_0000);

interface Bid {
  readonly slot: number;
  readonly server: number;
  readonly score: number;
}

function firstDeal(keys: readonly number[], weights: readonly number[], size: number): number[] {
  const left = quotas(weights, size);
  const bids: Bid[] = [];
  for (let slot = 0; slot < size; slot += 1) {
    weights.forEach((weight, server) => {
      if (weight > 0) bids.push({ slot, server, score: score(keys[server] ?? 0, slot, weight) });
    });
  }
  bids.sort((a, b) => b.score - a.score || a.slot - b.slot || a.server - b.server);
  const owners = new Array<number>(size).fill(-1);
  for (const bid of bids) {
    if (owners[bid.slot] !== -1 || (left[bid.server] ?? 0) === 0) continue;
    owners[bid.slot] = bid.server;
    left[bid.server] = (left[bid.server] ?? 0) - 1;
  }
  return owners;
}

/**
 * The table: for every slot the index of its server in `configured`. `serving` says which of them
 * get connections; at least one must. A pure function, so both nodes deal alike.
 */
export function dealSlots(
  configured: readonly SlotServer[],
  serving: (index: number) => boolean,
  size: SlotSize,
): number[] {
  const keys = configured.map((server) => stableHash(`${server.address}:${server.port}`));
  const weights = configured.map((server) => server.weight);
  const alive = configured.map((_, index) => index).filter(serving);
  return firstDeal(keys, weights, size).map((owner, slot) => {
    if (owner !== -1 && serving(owner)) return owner;
    const bids = alive.map((server) => ({
      server,
      score: score(keys[server] ?? 0, slot, weights[server] ?? 0),
    }));
    return bids.reduce((best, bid) => (bid.score > best.score ? bid : best)).server;
  });
}

/**
 * A round of turns: for every slot the index of its server in `weights`, each as often as its weight
 * asks, as evenly spread as may be ("smooth weighted round robin"). At least one weight is positive.
 */
export function dealTurns(weights: readonly number[], size: SlotSize): number[] {
  const shares = quotas(weights, size);
  const credit = weights.map(() => 0);
  return Array.from({ length: size }, () => {
    let next = 0;
    shares.forEach((share, index) => {
      credit[index] = (credit[index] ?? 0) + share;
      if ((credit[index] ?? 0) > (credit[next] ?? 0)) next = index;
    });
    credit[next] = (credit[next] ?? 0) - size;
    return next;
  });
}

/**
 * The slot of a client's packet, as the rules compute it (`jhash ip saddr . th sport`, or without the
 * port); undefined where the packet does not say it.
 */
export function slotOf(client: string, clientPort: number, way: Way): number | undefined {
  if (way.kind === "turn") return undefined;
  const port = way.kind === "flow" ? [clientPort >> 8, clientPort & 0xff] : [];
  const bytes = [...addressBytes(client), ...port];
  while (bytes.length % 4 !== 0) bytes.push(0);
  return scaleTo(jhash(bytes, SLOT_SEED), way.size);
}

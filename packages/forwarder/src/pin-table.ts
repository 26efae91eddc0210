// pin-table.ts — adapter: the kernel's pins, read and changed through nft.
import type { Family } from "@lbpair/common";
import type { NftTable } from "./nft.js";
import type { PinElements, PinKey, PresentPins } from "./pins.js";
import { pinsText } from "./pins.js";
import { type TimedElement, type TimedElements, timedText } from "./timed-elements.js";

export interface PinTable {
  read(): Promise<PresentPins>;
  /** Only the keys on which another connection has begun. */
  readReused(): Promise<ReadonlySet<PinKey>>;
  /** Brings the kernel from present to wanted in one transaction. */
  change(wanted: PinElements, present: PresentPins): Promise<void>;
  /** Servers that clients had. */
  readPersisted(): Promise<TimedElements>;
  changePersisted(wanted: TimedElements, present: TimedElements): Promise<void>;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const objectOf = (value: Json | undefined): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};

const listOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : [];

/** `{elem: {val: {concat: […]}, timeout, expires}}` */
function readKey(raw: Json): { readonly key: PinKey; readonly seconds: number } {
  const elem = objectOf(objectOf(raw).elem);
  const key = listOf(objectOf(elem.val).concat)
    .map((part) => String(part))
    .join(" . ");
  return { key, seconds: Number(elem.expires ?? 0) };
}

/** Elements of nft's listing of one map with timeouts. Throws on text that is not nft's JSON. */
export function parsePins(listing: string): Map<PinKey, TimedElement> {
  const { nftables } = JSON.parse(listing) as { readonly nftables: readonly JsonObject[] };
  const pins = new Map<PinKey, TimedElement>();
  for (const item of nftables.flatMap((each) => listOf(objectOf(each.map).elem))) {
    const [left = null, value = null] = listOf(item);
    const { key, seconds } = readKey(left);
    pins.set(key, { value: String(value), seconds });
  }
  return pins;
}

/** Keys of nft's listing of the set `reused`. Throws on text that is not nft's JSON. */
export function parseReused(listing: string): Set<PinKey> {
  const { nftables } = JSON.parse(listing) as { readonly nftables: readonly JsonObject[] };
  const elements = nftables.flatMap((each) => listOf(objectOf(each.set).elem));
  return new Set(elements.map((raw) => readKey(raw).key));
}

export function createPinTable(nft: NftTable, family: Family): PinTable {
  const readReused = async () => parseReused(await nft.listSet("set", "reused"));
  return {
    async read() {
      const [pins, reused] = await Promise.all([nft.listSet("map", "pins"), readReused()]);
      return { elements: parsePins(pins), reused };
    },
    readReused,
    change: (wanted, present) => nft.add(pinsText(family, wanted, present)),
    readPersisted: async () => parsePins(await nft.listSet("map", "persist")),
    changePersisted: (wanted, present) => nft.add(timedText(family, "persist", wanted, present)),
  };
}

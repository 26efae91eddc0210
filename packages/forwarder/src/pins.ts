// pins.ts — which open connections the maps no longer describe, and the kernel's elements for them.
//
// A connection's server is a function of its packets only while the maps are what they were when it
// began. After a drain, a return from the fallback, a changed weight, a joining server, the node that
// takes over would send it elsewhere. Each such connection is a pin: an element that says its server,
// looked up before the slots by packets in mid-stream (rules.ts), here and on the peer.
import type { Family } from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import { elementStatements } from "./elements.js";
import { type Flow, isOpen } from "./flow.js";
import { ownFlows } from "./flow-owner.js";
import { lookupOf } from "./lookup.js";
import { mapsName } from "./persistence.js";
import { PINS_MAX } from "./rules.js";
import { belongs } from "./server-plan.js";
import { classid, classNumber } from "./service-id.js";
import { type TimedElement, type TimedElements, timedText } from "./timed-elements.js";

/** The part of a flow that a pin is looked up by, in nftables' own notation. */
export type PinKey = string;

export interface Pin {
  readonly client: string;
  readonly clientPort: number;
  readonly vipPort: number;
  /** The server's id, `service/server`. */
  readonly server: string;
  /** How long the connection may be silent from now on, as the connection table says. */
  readonly seconds: number;
}

export type Pins = ReadonlyMap<PinKey, Pin>;

/** Servers' numbers by the flow. */
export type PinElements = TimedElements;

export const pinKey = (flow: Pick<Flow, "client" | "clientPort" | "vip" | "vipPort">): PinKey =>
  `${flow.client} . ${flow.clientPort} . ${flow.vip} . ${flow.vipPort}`;

/** The least an element lives: long enough for the next look at the connection table. */
const PIN_SECONDS_MIN = 60;

export interface FoundPins {
  readonly pins: Pins;
  /** Every TCP flow of a service that the connection table shows, in whatever state. */
  readonly met: ReadonlySet<PinKey>;
  /** Flows that there was no room for. */
  readonly left: number;
}

/** Compares every open TCP flow with the maps' answer; a halted or removed server's are not kept. */
export function findPins(
  flows: readonly Flow[],
  distributions: readonly Distribution[],
  persisted: PinElements = new Map(),
): FoundPins {
  const pins = new Map<PinKey, Pin>();
  const met = new Set<PinKey>();
  let left = 0;
  for (const { flow, distribution, server } of ownFlows(flows, distributions)) {
    if (flow.protocol !== "tcp") continue;
    const key = pinKey(flow);
    met.add(key);
    if (!isOpen(flow)) continue;
    if (server === undefined || !belongs(server)) continue;
    if (mapsName(distribution, flow, server, persisted)) continue;
    if (pins.size >= PINS_MAX) {
      left += 1;
      continue;
    }
    const seconds = Math.max(flow.secondsLeft, PIN_SECONDS_MIN);
    const { client, clientPort, vipPort } = flow;
    pins.set(key, { client, clientPort, vipPort, server: server.id, seconds });
  }
  return { pins, met, left };
}

/** The elements of pins, as far as their servers are still there. */
export function pinElements(
  pins: Iterable<Pin>,
  distributions: readonly Distribution[],
): Map<PinKey, TimedElement> {
  const lookup = lookupOf(distributions);
  const elements = new Map<PinKey, TimedElement>();
  for (const pin of pins) {
    const place = lookup.server(pin.server);
    if (place === undefined || !belongs(place.server)) continue;
    const vip = place.distribution.service.address;
    const element = { value: classid(place.number), seconds: pin.seconds };
    elements.set(pinKey({ ...pin, vip }), element);
  }
  return elements;
}

const KEY = /^(\S+) \. (\d+) \. (\S+) \. (\d+)$/;

/** The reverse of `pinElements`, for elements of an earlier life; those of no server are left out. */
export function pinsOf(
  elements: PinElements,
  distributions: readonly Distribution[],
): Map<PinKey, Pin> {
  const lookup = lookupOf(distributions);
  const pins = new Map<PinKey, Pin>();
  for (const [key, { value, seconds }] of elements) {
    const [, client = "", clientPort, vip = "", vipPort] = KEY.exec(key) ?? [];
    const place = lookup.serverNumbered(vip, classNumber(value));
    if (place === undefined || !belongs(place.server)) continue;
    const server = place.server.id;
    pins.set(key, {
      client,
      clientPort: Number(clientPort),
      vipPort: Number(vipPort),
      server,
      seconds,
    });
  }
  return pins;
}

/** What the kernel holds of pins. */
export interface PresentPins {
  readonly elements: PinElements;
  /** Keys on which a SYN has begun another connection since the pin was made. */
  readonly reused: ReadonlySet<PinKey>;
}

/** One transaction from present to wanted; empty where nothing changes. */
export const pinsText = (family: Family, wanted: PinElements, present: PresentPins): string =>
  [
    timedText(family, "pins", wanted, present.elements),
    ...elementStatements("delete", family, "reused", [...present.reused]).map(
      (line) => `${line}\n`,
    ),
  ].join("");

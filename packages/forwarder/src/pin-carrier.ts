// pin-carrier.ts — adapter: takes the active's pins to the peer's forwarder, by way of the replicators.
import { type Clock, controlRequest, type Log, millis } from "@lbpair/common";
import type { Pin, Pins } from "./pins.js";

export interface PinCarrier {
  /** What the peer has said it holds; empty while it is away. */
  readonly carried: Pins;
  /** Whether this node is active, and a peer lives that can be told. */
  setPeer(active: boolean, alive: boolean): void;
  /** All pins there are now; what was offered before is void. */
  offer(pins: Pins): void;
  stop(): void;
}

/** A pin on its way: server first, then its connections as client, client port, VIP port, seconds. */
export type PinGroup = {
  readonly server: string;
  readonly flows: readonly (readonly [string, number, number, number])[];
};

const TIMEOUT_MS = 8000;
const RETRY_MS = 1000;
export const RETRY_MS_MAX = 5000;
/** The peer is told anew, in case it has lost them. */
const REPEAT_MS = 30_000;
/** A sending is followed by a rest so many times as long. */
const REST = 4;

/** Groups for the peer's `parsePinsOrder`. */
export function groupPins(pins: Iterable<Pin>): PinGroup[] {
  const groups = new Map<string, [string, number, number, number][]>();
  for (const { server, client, clientPort, vipPort, seconds } of pins) {
    const flows = groups.get(server) ?? [];
    flows.push([client, clientPort, vipPort, Math.ceil(seconds)]);
    groups.set(server, flows);
  }
  return [...groups].map(([server, flows]) => ({ server, flows }));
}

const sameKeys = (a: Pins, b: Pins): boolean =>
  a.size === b.size && [...a].every(([key, pin]) => b.get(key)?.server === pin.server);

const NONE: Pins = new Map();

export function createPinCarrier(deps: {
  /** The replicator's control socket. */
  readonly socket: string;
  readonly clock: Clock;
  readonly log: Log;
}): PinCarrier {
  const { socket, clock, log } = deps;
  let there = false;
  let carried = NONE;
  let offered: Pins | null = null;
  let sending = false;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let failures = 0;
  let restUntil = clock.now();

  const later = (ms: number): void => {
    clearTimeout(timer);
    if (!stopped && there) timer = setTimeout(() => void send(), Math.round(ms));
  };

  const failed = (error: unknown): void => {
    carried = NONE;
    if (failures === 0) {
      log.warn({ error: String(error) }, "the peer does not take the pins; trying again");
    }
    later(Math.min(RETRY_MS * 2 ** Math.min(failures, 10), RETRY_MS_MAX));
    failures += 1;
  };

  const ask = (pins: Pins): Promise<unknown> =>
    controlRequest(
      socket,
      "POST /peer/pins",
      { pins: groupPins(pins.values()) },
      { timeoutMs: TIMEOUT_MS },
    );

  const send = async (): Promise<void> => {
    const pins = offered;
    if (sending || !there || pins === null) return;
    sending = true;
    const began = clock.now();
    try {
      await ask(pins);
      failures = 0;
      carried = there ? pins : NONE;
      const now = clock.now();
      restUntil = millis(now + (now - began) * REST);
      if (offered !== null && !sameKeys(offered, pins)) later(restUntil - now);
      else if (pins.size > 0) later(REPEAT_MS);
    } catch (error) {
      failed(error);
    } finally {
      sending = false;
    }
  };

  return {
    get carried() {
      return carried;
    },
    setPeer(active, alive) {
      const is = active && alive;
      // Pins of an earlier time as active must never reach the peer again.
      if (!active) offered = null;
      if (is === there) return;
      there = is;
      carried = NONE;
      clearTimeout(timer);
      failures = 0;
      if (is) void send();
    },
    offer(pins) {
      const copy = new Map(pins);
      const same = offered !== null && sameKeys(offered, copy);
      offered = copy;
      // The first of a time as active is told even where it is empty: the peer may hold older ones.
      if (!same && !sending && failures === 0) later(Math.max(0, restUntil - clock.now()));
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

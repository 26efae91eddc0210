// pin-carrier.ts — adapter: takes the active's pins to the peer's forwarder, by way of the replicators.
//
// The servers that clients had go with them: the kernel's packets write those, so they change all the
// time, and the peer may be told of them a few seconds later.
import { type Clock, controlRequest, type Log, type Millis, millis } from "@lbpair/common";
import type { Persisted } from "./persistence.js";
import type { Pin, Pins } from "./pins.js";

/** What the active says to the peer, whole. */
export interface Told {
  readonly pins: readonly Pin[];
  readonly persisted: readonly Persisted[];
}

export interface Offer {
  readonly pins: Pins;
  readonly persisted: readonly Persisted[];
}

export interface PinCarrier {
  /** What the peer has said it holds; empty while it is away. */
  readonly carried: Pins;
  /** Whether this node is active, and a peer lives that can be told. */
  setPeer(active: boolean, alive: boolean): void;
  /** All there is now; what was offered before is void. */
  offer(offer: Offer): void;
  stop(): void;
}

/** A pin on its way: server first, then its connections as client, client port, VIP port, seconds. */
export type PinGroup = {
  readonly server: string;
  readonly flows: readonly (readonly [string, number, number, number])[];
};

/** The same of servers that clients had: client, seconds. */
export type PersistedGroup = {
  readonly server: string;
  readonly clients: readonly (readonly [string, number])[];
};

const TIMEOUT_MS = 8000;
const RETRY_MS = 1000;
export const RETRY_MS_MAX = 5000;
/** The peer is told anew, in case it has lost them. */
const REPEAT_MS = 30_000;
/** A sending is followed by a rest so many times as long. */
const REST = 4;
/** The peer is told of clients' servers at most so often, where nothing else is to be told. */
const PERSISTED_MS = 5000;

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

export function groupPersisted(persisted: readonly Persisted[]): PersistedGroup[] {
  const groups = new Map<string, [string, number][]>();
  for (const { server, client, seconds } of persisted) {
    const clients = groups.get(server) ?? [];
    clients.push([client, Math.ceil(seconds)]);
    groups.set(server, clients);
  }
  return [...groups].map(([server, clients]) => ({ server, clients }));
}

/**
 * Whether the peer would forget a client too early by what it was told `passed` seconds ago, or send
 * it elsewhere. That a client was forgotten here the peer finds out by itself.
 */
export function persistedIsNews(
  now: readonly Persisted[],
  told: readonly Persisted[],
  passed: number,
): boolean {
  const before = new Map(told.map((each) => [`${each.server} ${each.client}`, each.seconds]));
  return now.some(({ server, client, seconds }) => {
    const was = before.get(`${server} ${client}`);
    return was === undefined || (was - passed) * 2 < seconds;
  });
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
  let offered: Offer | null = null;
  /** What the peer has said it holds, and since when. */
  let told: (Offer & { readonly at: Millis }) | null = null;
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
    told = null;
    if (failures === 0) {
      log.warn({ error: String(error) }, "the peer does not take the pins; trying again");
    }
    later(Math.min(RETRY_MS * 2 ** Math.min(failures, 10), RETRY_MS_MAX));
    failures += 1;
  };

  /** The first of a time as active is told even where it is empty: the peer may hold older ones. */
  const schedule = (): void => {
    if (offered === null || sending || failures > 0) return;
    const now = clock.now();
    if (told === null || !sameKeys(offered.pins, told.pins)) {
      later(Math.max(0, restUntil - now));
    } else if (persistedIsNews(offered.persisted, told.persisted, (now - told.at) / 1000)) {
      later(Math.max(0, restUntil - now, told.at + PERSISTED_MS - now));
    } else if (offered.pins.size > 0 || offered.persisted.length > 0) {
      later(Math.max(0, told.at + REPEAT_MS - now));
    }
  };

  const ask = ({ pins, persisted }: Offer): Promise<unknown> => {
    const order = { pins: groupPins(pins.values()), persisted: groupPersisted(persisted) };
    return controlRequest(socket, "POST /peer/pins", order, { timeoutMs: TIMEOUT_MS });
  };

  const send = async (): Promise<void> => {
    const offer = offered;
    if (sending || !there || offer === null) return;
    sending = true;
    const began = clock.now();
    try {
      await ask(offer);
      failures = 0;
      const now = clock.now();
      told = there ? { ...offer, at: began } : null;
      restUntil = millis(now + (now - began) * REST);
    } catch (error) {
      failed(error);
    } finally {
      sending = false;
    }
    schedule();
  };

  return {
    get carried() {
      return told?.pins ?? NONE;
    },
    setPeer(active, alive) {
      const is = active && alive;
      // Pins of an earlier time as active must never reach the peer again.
      if (!active) offered = null;
      if (is === there) return;
      there = is;
      told = null;
      clearTimeout(timer);
      failures = 0;
      if (is) void send();
    },
    offer({ pins, persisted }) {
      offered = { pins: new Map(pins), persisted };
      schedule();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

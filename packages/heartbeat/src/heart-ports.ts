// heart-ports.ts — what the heart asks for, done by this machine: lease, sockets, queue, forwarder, events.
import { type Clock, type EventLog, millis } from "@lbpair/common/light";
import type { Announcer } from "./adapters/announce.js";
import type { AddressGuard } from "./address-guard.js";
import type { Advertiser } from "./advertiser.js";
import type { QueuedEffect } from "./core/effects.js";
import { conditionOf } from "./core/election-state.js";
import type { Heart } from "./core/heart.js";
import type { HeartLease, HeartPorts, Kept, Stepped } from "./core/ports.js";
import type { EffectQueue } from "./effect-queue.js";
import type { ForwarderLink } from "./forwarder-link.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import type { NetworkWatch } from "./network-watch.js";
import type { Pulse } from "./pulse.js";
import type { Settings } from "./settings.js";
import type { VerdictExchange } from "./verdict-exchange.js";

/** The daemon's parts, as far as the heart uses them. */
export interface HeartMachine {
  readonly clock: Clock;
  readonly settings: Settings;
  readonly lease: LeaseKeeper;
  readonly announcer: Announcer;
  readonly network: NetworkWatch;
  readonly events: EventLog;
  readonly queue: EffectQueue<QueuedEffect>;
  readonly pulse: Pulse;
  readonly guard: AddressGuard;
  readonly forwarder: ForwarderLink;
  readonly exchange: VerdictExchange;
  /** Undefined on a single appliance. */
  readonly advertiser: Advertiser | undefined;
  suspendedMs(): number | undefined;
  sendAdverts(probing: boolean): void;
  tellCondition(): void;
  stepped(step: Stepped): void;
  /** Once a second. */
  upkeep(): void;
  failed(what: string, error: unknown): void;
}

function heartLease(lease: LeaseKeeper, failed: (error: unknown) => void): HeartLease {
  return {
    get held() {
      return lease.held;
    },
    get length() {
      return lease.length;
    },
    lapsed: (now) => lease.lapsed(now),
    mayAnswerMs: (now) => lease.mayAnswerMs(now),
    refresh: (length, done) => {
      lease
        .refresh(length)
        .catch((error: unknown): Kept => ({ failed: String(error) }))
        .then(done)
        .catch(failed);
    },
    revokeAtOnce: () => {
      lease.revoke().catch(() => undefined);
    },
  };
}

/**
 * A peer that is late may be dead: from then on a passive node lets in whatever a switch brings for
 * a virtual MAC, not open TCP connections alone; until the peer is heard, or this daemon is.
 */
async function arrivals({ lease, settings }: HeartMachine, { before, after }: Stepped) {
  if (conditionOf(after) === "active") return;
  if (after.suspecting) await lease.letThrough(millis(2 * settings.election.deadtime));
  else if (before.suspecting) await lease.shut();
}

export function heartPorts(machine: HeartMachine): HeartPorts {
  const { clock, guard, events, queue } = machine;
  return {
    lease: heartLease(machine.lease, (error) => machine.failed("a beat", error)),
    now: () => clock.now(),
    suspendedMs: () => machine.suspendedMs(),
    drain: (done) => {
      const { advertiser } = machine;
      if (advertiser === undefined) return done();
      const failed = (error: unknown) => machine.failed("a beat", error);
      advertiser.drain().catch(failed).then(done).catch(failed);
    },
    perform: (effects) => queue.push(effects),
    say: (probing) => machine.sendAdverts(probing),
    wakeAt: (at) => machine.pulse.wakeAt(at),
    stopAnnouncing: () => {
      machine.announcer.stop();
      machine.network.stop();
    },
    suspect: () => machine.network.suspect(),
    trust: () => machine.network.trust(),
    tellCondition: () => machine.tellCondition(),
    upkeep: () => {
      guard.upkeep().catch((error: unknown) => machine.failed("the upkeep", error));
      machine.upkeep();
    },
    lookAtLinks: () => guard.lookAgain(),
    follow: (verdicts) => machine.forwarder.follow(verdicts),
    offerVerdicts: (followed) => machine.exchange.offer(followed, machine.advertiser),
    record: (level, event, text) => {
      events.record(level, event, text, {});
    },
    stepped: (step) => {
      arrivals(machine, step).catch((error: unknown) => machine.failed("the gate", error));
      machine.stepped(step);
    },
  };
}

/** One beat, for whoever waits for it. */
export const beats = (heart: Heart) => ({
  keepalive: (lateMs: number) => new Promise<void>((done) => heart.keepalive(lateMs, done)),
  deadline: (lateMs: number) => new Promise<void>((done) => heart.deadline(lateMs, done)),
});

// network-watch.ts — everything that is asked of the floating IPs' networks: witnesses, conflicts, who has learnt.
import { randomBytes } from "node:crypto";
import type { Clock, EventLog, HeartbeatStatus, ServicesConfig } from "@lbpair/common";
import type { Announced } from "./adapters/announce.js";
import { createEars, type Ears, type EarsOptions, type Heard } from "./adapters/ears.js";
import { LINK_NEIGHBOURS_MAX, linkNeighbours, type Router } from "./core/link-neighbours.js";
import type { Conflict } from "./core/witness.js";
import type { WitnessView } from "./core/witness-view.js";
import { createForwardedWatch, type ForwardedWatch } from "./forwarded-watch.js";
import type { Holder } from "./holder.js";
import { type LinkPlace, type LinkPlaces, placeOf } from "./link-places.js";
import { type Learnt, TakeOverCheck } from "./take-over-check.js";
import { WitnessWatch } from "./witness-watch.js";

export interface NetworkWatchOptions {
  readonly clock: Clock;
  readonly events: EventLog;
  readonly holder: Holder;
  /** The next hops of this node's routes; `changed`: links or addresses are others than before. */
  readonly routers: (changed: boolean) => Promise<readonly Router[]>;
  readonly mayAnnounce: () => boolean;
  readonly witnessInterval: () => number;
  readonly onView: (view: WitnessView, lateMs: number) => void;
  /** For the timeline, both in milliseconds after the announcement. */
  readonly onLearnt?: (learnt: Learnt) => void;
  readonly onForwarded?: (afterMs: number) => void;
  readonly forwarded: () => number | undefined;
  /** Default: packet sockets; for tests. */
  readonly openEars?: (options: EarsOptions) => Ears;
}

/** Neighbours heard within this time are checked after a take over, beside the configured ones. */
const RECENT_MS = 300_000;
/** Routes change without a word to this daemon. */
const ROUTERS_MS = 60_000;

export class NetworkWatch {
  private readonly options: NetworkWatchOptions;
  private readonly ears: Ears;
  private readonly places: LinkPlaces = new Map();
  private readonly witness: WitnessWatch;
  private readonly check: TakeOverCheck;
  private readonly forwarded: ForwardedWatch;
  peerMacs: readonly string[] = [];
  private saidUnable = false;
  private planned = "";
  private services: ServicesConfig | undefined;
  private routers: readonly Router[] = [];
  private routersAt = Number.NEGATIVE_INFINITY;
  private closed = false;
  private active = false;

  constructor(options: NetworkWatchOptions) {
    this.options = options;
    const { clock, events, mayAnnounce } = options;
    const name = { identifier: randomBytes(2).readUInt16BE(), secret: randomBytes(8) };
    const heard = (one: Heard) => this.heard(one);
    this.ears = (options.openEars ?? createEars)({ name, onHeard: heard });
    const shared = { clock, ears: this.ears, places: this.places, name };
    this.witness = new WitnessWatch({
      ...shared,
      intervalMs: options.witnessInterval,
      onView: options.onView,
      onConflict: (conflict) => this.tellConflict(conflict),
    });
    this.check = new TakeOverCheck({
      ...shared,
      events,
      mayAnnounce,
      isPeer: (mac) => this.peerMacs.includes(mac),
      macOf: (link, neighbour) => this.witness.witness.neighbours.macOf(link, neighbour),
      onLearnt: (learnt) => options.onLearnt?.(learnt),
    });
    this.forwarded = createForwardedWatch({
      clock,
      read: options.forwarded,
      onForwarded: (afterMs) => options.onForwarded?.(afterMs),
    });
  }

  /** Follows the links and the configuration; `peerAddresses` are the peer's on its paths. */
  plan(services: ServicesConfig, peerAddresses: readonly string[]): void {
    const { holder, clock, routers } = this.options;
    const state = JSON.stringify([holder.links, holder.placed, peerAddresses]);
    const now = clock.now();
    const same = state === this.planned && services === this.services;
    if (same && now - this.routersAt < ROUTERS_MS) return;
    this.planned = state;
    this.services = services;
    this.routersAt = now;
    // At once with the routers known so far: whether a link has a carrier must not wait for `ip`.
    this.apply(services, peerAddresses);
    routers(!same)
      .then((found) => {
        if (this.closed) return;
        this.routers = found;
        if (this.services === services) this.apply(services, peerAddresses);
        if (!same) this.witness.askIdle();
      })
      .catch((error: unknown) => {
        this.options.events.record("warn", "routers-unknown", String(error), {});
      });
  }

  private apply(services: ServicesConfig, peerAddresses: readonly string[]): void {
    const { holder } = this.options;
    const names = holder.gateLinks();
    const states = holder.links.filter(({ link }) => names.includes(link));
    this.places.clear();
    for (const state of states) {
      const place = placeOf(state, (address) => holder.isFloating(address));
      if (place !== undefined) this.places.set(state.link, place);
    }
    const links = states.map((state) => ({
      link: state.link,
      carrier: state.carrier,
      floatingIps: holder.placed.filter((on) => on.link === state.link).map((on) => on.address),
      neighbours: linkNeighbours(state, services, this.routers),
    }));
    const ownMacs = [...holder.macs(), ...states.flatMap(({ mac }) => mac ?? [])];
    this.witness.witness.plan({ links, ownMacs, peerAddresses });
    this.ears.listen(
      links.flatMap(({ link, floatingIps }) => {
        const place = this.places.get(link);
        const ipv6 = floatingIps.some((address) => address.includes(":"));
        return place === undefined
          ? []
          : this.earsOf(place).map((linkIndex) => ({ linkIndex, ipv6 }));
      }),
    );
    this.sayWhetherAble();
  }

  /** What is sent to a virtual MAC is heard on its device only. */
  private earsOf({ link, linkIndex }: LinkPlace): number[] {
    const { holder } = this.options;
    const device = holder.indexOf(holder.deviceOf(link));
    return device === undefined || device === linkIndex ? [linkIndex] : [linkIndex, device];
  }

  private sayWhetherAble(): void {
    const { able, reason } = this.ears;
    if (able || this.saidUnable) return;
    this.saidUnable = true;
    const text = `witnesses cannot be asked, so silence alone decides: ${reason}`;
    this.options.events.record("warn", "witness-unable", text, {});
  }

  /** MACs that the peer says it has; from an earlier run too, until it says others. True = they are new. */
  knowPeer(macs: readonly string[]): boolean {
    if (macs.join() === this.peerMacs.join()) return false;
    this.peerMacs = macs;
    this.witness.witness.knowPeer(macs);
    return true;
  }

  /** Called after each step of the election; only a change is news. */
  setActive(active: boolean): void {
    if (active === this.active) return;
    this.active = active;
    this.witness.witness.setActive(active, this.options.clock.now());
    if (!active) {
      this.check.forget();
      this.forwarded.stop();
    }
  }

  suspect(): void {
    this.witness.begin();
  }

  trust(): void {
    this.witness.end();
  }

  /** The floating IPs have just been announced. */
  announced(all: readonly Announced[]): void {
    const now = this.options.clock.now();
    const links = [...this.places.values()].map(({ link }) => {
      const here = new Set(
        this.options.holder.placed.filter((on) => on.link === link).map((on) => on.address),
      );
      const neighbours = this.witness.witness.neighbours
        .all(link)
        .filter(({ configured, heardAt }) => configured || now - (heardAt ?? now) < RECENT_MS)
        .slice(0, LINK_NEIGHBOURS_MAX)
        .map(({ address }) => address);
      return { link, announced: all.filter(({ address }) => here.has(address)), neighbours };
    });
    this.check.begin(links);
    this.forwarded.begin();
  }

  /** Announcements ended: nothing may be told any more. */
  stop(): void {
    this.check.stop();
    this.forwarded.stop();
  }

  private heard(heard: Heard): void {
    const place = [...this.places.values()].find((each) =>
      this.earsOf(each).includes(heard.linkIndex),
    );
    if (place === undefined) return;
    this.witness.heard(place.link, heard);
    this.check.heard(place.link, heard);
  }

  private tellConflict({ link, address, mac, by }: Conflict): void {
    const who = by === "peer" ? "the peer" : "another machine";
    const text = `${address} on ${link} is also answered by ${mac}, ${who}`;
    this.options.events.record("alarm", "address-conflict", text, { address, link, mac, by });
  }

  status(): Pick<HeartbeatStatus, "witness" | "neighbours"> {
    return {
      witness: this.witness.witness.networks(this.options.clock.now()),
      neighbours: this.check.neighbours(),
    };
  }

  close(): void {
    this.closed = true;
    this.stop();
    this.witness.close();
    this.ears.close();
  }
}

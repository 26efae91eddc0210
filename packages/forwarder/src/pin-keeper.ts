// pin-keeper.ts — wiring: keeps the kernel's pins true to the open connections, and the peer told of them.
//
// The active node finds them in its connection table; the passive one has what the active said. A node
// that takes over goes on with those: a silent connection has no entry there until it speaks, so its
// pin stays until it was seen and has ended, another connection begins on its ports, or it times out.
import type { Clock, Condition, EventLog, Log, Millis } from "@lbpair/common";
import { anyLimits } from "./connection-limits.js";
import type { Distribution } from "./distribution.js";
import type { Flow } from "./flow.js";
import { anyPersists } from "./persistence.js";
import type { PersistenceKeeper } from "./persistence-keeper.js";
import type { PinCarrier, Told } from "./pin-carrier.js";
import type { PinTable } from "./pin-table.js";
import {
  findPins,
  type Pin,
  type PinKey,
  type Pins,
  type PresentPins,
  pinElements,
  pinKey,
  pinsOf,
} from "./pins.js";
import type { TimedElements } from "./timed-elements.js";

export interface PinKeeperDeps {
  readonly table: PinTable;
  readonly carrier: PinCarrier;
  readonly persistence: Pick<PersistenceKeeper, "elements" | "look" | "said" | "adopt">;
  readonly clock: Clock;
  readonly log: Log;
  readonly event: EventLog["record"];
}

/** A look is followed by a rest so many times as long. */
const REST_PER_LOOK = 20;

const NONE: Pins = new Map();

export class PinKeeper {
  readonly #deps: PinKeeperDeps;
  #condition: Condition | null = null;
  /** What this node holds; null before the kernel was first read. */
  #pins: Map<PinKey, Pin> | null = null;
  /** Pins whose connection has been in this node's own table. */
  #seen = new Set<PinKey>();
  #again = false;
  #lookedAt: Millis | null = null;
  #lookMs = 0;
  #full = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: PinKeeperDeps) {
    this.#deps = deps;
  }

  /** The server that the peer has been told of, for a connection that the maps do not describe. */
  carriedServer(flow: Flow): string | undefined {
    return this.#deps.carrier.carried.get(pinKey(flow))?.server;
  }

  /** Servers that clients had, as of the last look. */
  get persisted(): TimedElements {
    return this.#deps.persistence.elements;
  }

  get held(): Pins {
    return this.#pins ?? NONE;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  setCondition(condition: Condition, peerAlive: boolean): void {
    const became = condition === "active" && this.#condition !== "active";
    this.#condition = condition;
    if (became) this.#seen = new Set();
    this.#again ||= became;
    this.#deps.carrier.setPeer(condition === "active", peerAlive);
  }

  /** What the active said; it is in the kernel when this resolves. Rejects on the active itself. */
  adopt({ pins, persisted }: Told, distributions: readonly Distribution[]): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#condition === "active") throw new Error("this node is active: its own pins hold");
      const present = await this.#deps.table.read();
      const elements = pinElements(pins, distributions);
      await this.#deps.table.change(elements, present);
      this.#pins = pinsOf(elements, distributions);
      await this.#deps.persistence.adopt(persisted, distributions);
    });
  }

  /**
   * Brings the pins up to date around a listing of the connection table, which it answers with. A pin
   * that cannot be set is told and costs that connection its coverage, nothing else.
   */
  keep(distributions: readonly Distribution[], list: () => Promise<Flow[]>): Promise<Flow[]> {
    return this.#inTurn(async () => {
      const began = this.#deps.clock.now();
      // What the kernel says of reused ports has to be older than the listing that is judged by it.
      const present = await this.#readPresent(distributions);
      const flows = await list();
      try {
        if (present !== null) await this.#settle(distributions, flows, present);
      } catch (error) {
        this.#again = true;
        this.#deps.log.warn({ error: String(error) }, "pins could not be set; trying again");
      }
      this.#lookedAt = this.#deps.clock.now();
      this.#lookMs = this.#lookedAt - began;
      return flows;
    });
  }

  async #readPresent(distributions: readonly Distribution[]): Promise<PresentPins | null> {
    try {
      await this.#deps.persistence.look(distributions);
      return await this.#deps.table.read();
    } catch (error) {
      this.#again = true;
      this.#deps.log.warn({ error: String(error) }, "pins cannot be read; trying again");
      return null;
    }
  }

  async #settle(
    distributions: readonly Distribution[],
    flows: readonly Flow[],
    present: PresentPins,
  ): Promise<void> {
    this.#pins ??= pinsOf(present.elements, distributions);
    const wanted =
      this.#condition === "active"
        ? this.#wanted(distributions, flows, present)
        : this.#stillHeld(present);
    const elements = pinElements(wanted.values(), distributions);
    await this.#deps.table.change(elements, present);
    this.#pins = pinsOf(elements, distributions);
    if (this.#condition === "active") this.#offer(distributions);
  }

  #offer(distributions: readonly Distribution[]): void {
    this.#deps.carrier.offer({
      pins: this.held,
      persisted: this.#deps.persistence.said(distributions),
    });
  }

  /** With the time that the kernel leaves them; where it has lost them all, the table was loaded anew. */
  #stillHeld(present: PresentPins): Map<PinKey, Pin> {
    const lost = present.elements.size === 0;
    const still = [...this.held].flatMap(([key, pin]): [PinKey, Pin][] => {
      const element = present.elements.get(key);
      if (element === undefined) return lost ? [[key, pin]] : [];
      return [[key, { ...pin, seconds: element.seconds }]];
    });
    return new Map(still);
  }

  /** What the connection table shows, and what it cannot show yet. */
  #wanted(
    distributions: readonly Distribution[],
    flows: readonly Flow[],
    present: PresentPins,
  ): Map<PinKey, Pin> {
    const { pins, met, left } = findPins(flows, distributions, this.#deps.persistence.elements);
    const wanted = new Map(pins);
    for (const [key, pin] of this.#stillHeld(present)) {
      if (!met.has(key) && !this.#seen.has(key) && !present.reused.has(key)) wanted.set(key, pin);
    }
    for (const key of this.#seen) if (!wanted.has(key)) this.#seen.delete(key);
    for (const key of wanted.keys()) if (met.has(key)) this.#seen.add(key);
    this.#tellRoom(left);
    return wanted;
  }

  #tellRoom(left: number): void {
    const full = left > 0;
    if (full && !this.#full) {
      const text = `${left} open connections would be lost by a failover: there is no room for more pins`;
      this.#deps.event("warn", "pins-full", text, { connections: left });
    }
    this.#full = full;
  }

  /** Whether the connection table is to be looked at now although nothing was changed. */
  isDue(distributions: readonly Distribution[]): boolean {
    if (this.#condition !== "active") return false;
    const byTurns = distributions.some((each) => each.slots?.way.kind === "turn");
    const changing = byTurns || anyPersists(distributions) || anyLimits(distributions);
    if (!this.#again && !changing && this.held.size === 0) return false;
    const since = this.#lookedAt === null ? null : this.#deps.clock.now() - this.#lookedAt;
    if (since !== null && since < this.#lookMs * REST_PER_LOOK) return false;
    this.#again = false;
    return true;
  }

  /** A change of the maps may have met connections that were just beginning. */
  lookAgain(): void {
    this.#again = true;
  }

  /** Takes pins away whose addresses and ports another connection has: the peer must not follow them. */
  dropReused(distributions: readonly Distribution[]): Promise<void> {
    return this.#inTurn(async () => {
      const known = this.#pins;
      if (this.#condition !== "active" || known === null || known.size === 0) return;
      if ((await this.#deps.table.readReused()).size === 0) return;
      const present = await this.#deps.table.read();
      for (const key of present.reused) known.delete(key);
      await this.#deps.table.change(pinElements(known.values(), distributions), present);
      this.#offer(distributions);
    });
  }
}

// data-plane.ts — brings the kernel to what is wanted, one change at a time, and knows what is in force.
import type { Clock, EventLog, Family, Log, Millis } from "@lbpair/common";
import {
  type CountedElement,
  countedElements,
  elementTotals,
  sumTotals,
  type Totals,
} from "./counters.js";
import type { Distribution } from "./distribution.js";
import { diffElements, type ElementChanges, type Elements } from "./elements.js";
import type { FlowKeeper } from "./flow-keeper.js";
import { FlowTurns } from "./flow-turns.js";
import type { NftTable } from "./nft.js";
import type { PresentTable } from "./present-table.js";
import { wantedElements } from "./wanted-elements.js";

export interface DataPlaneDeps {
  readonly family: Family;
  readonly nft: NftTable;
  readonly flows: FlowKeeper;
  readonly clock: Clock;
  readonly log: Log;
  readonly event: EventLog["record"];
}

/** What is to be in force. */
export interface Wish {
  readonly distributions: readonly Distribution[];
  readonly floatingIps: readonly string[];
  readonly arms: readonly string[];
}

export interface Applied {
  /** Elements changed; 0 = the kernel held all of it already. */
  readonly changed: number;
  /** Whether the whole table was loaded, because it was missing or of another version. */
  readonly loaded: boolean;
}

interface InForce {
  readonly wish: Wish;
  readonly elements: Elements;
}

/** A loss noticed this soon after our own load is looked at before it is believed. */
const OWN_ECHO_MS = 300;
/** News of a large load comes late: so many times what the load took. */
const OWN_ECHO_LOADS = 10;

export class DataPlane {
  /** Connections have a queue of their own, so that a lost table never waits for them. */
  readonly connections: FlowTurns;
  readonly #deps: DataPlaneDeps;
  #inForce: InForce | null = null;
  #past: Totals = new Map();
  /** Of the last reading. */
  #counted: Totals = new Map();
  /** Before the last change: elements that it removed are counted to these. */
  #formerly: Wish["distributions"] = [];
  /** Elements that went and are not counted to the past yet: one look-up is built for all of them. */
  #gone: CountedElement[] = [];
  /** How long a reading takes; a large table is looked at less often. */
  #readMs = 0;
  #comparedAt: Millis | null = null;
  #tableTurn: Promise<unknown> = Promise.resolve();
  #loadedAt: Millis | null = null;
  #loadMs = 0;
  /** A comparison that is queued and has not begun: it will see whatever happens until then. */
  #comparison: Promise<void> | null = null;
  #repairs = 0;
  #lastRepairMs: number | null = null;
  #present = false;
  /** The rules as nft lists them; null until read after a load. */
  #rules: string | null = null;

  constructor(deps: DataPlaneDeps, past: Totals) {
    this.#deps = deps;
    this.#past = past;
    this.connections = new FlowTurns(deps, () => this.#inForce?.wish.distributions ?? null);
  }

  /** What is in force; null before the first success. */
  get wish(): Wish | null {
    return this.#inForce?.wish ?? null;
  }

  /** Counts of elements that are gone; what the kernel counts comes on top. */
  get past(): Totals {
    this.#settleGone();
    return this.#past;
  }

  get table(): { present: boolean; repairs: number; lastRepairMs: number | null } {
    return { present: this.#present, repairs: this.#repairs, lastRepairMs: this.#lastRepairMs };
  }

  /** One change of the table after the other; nothing slow happens in here. */
  #changeTable<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tableTurn.then(work, work);
    this.#tableTurn = turn.catch(() => undefined);
    return turn;
  }

  /** A listing with counters; remembered, since a deleted table takes its counts with it. */
  async read(): Promise<PresentTable | null> {
    const began = this.#deps.clock.now();
    const present = await this.#deps.nft.read();
    this.#readMs = this.#deps.clock.now() - began;
    if (present !== null) this.#counted = this.#totalsOf(present);
    return present;
  }

  #totalsOf(present: PresentTable): Totals {
    return elementTotals(countedElements(present), this.#inForce?.wish.distributions ?? []);
  }

  /** What the kernel counted in elements read last, and in those that are gone. */
  get totals(): Totals {
    return sumTotals(this.past, this.#counted);
  }

  /** Keeps what an element had counted when it went. */
  credit(element: CountedElement): void {
    if (element.packets > 0) this.#gone.push(element);
  }

  #settleGone(): void {
    if (this.#gone.length === 0) return;
    const known = [...this.#formerly, ...(this.#inForce?.wish.distributions ?? [])];
    this.#past = sumTotals(this.#past, elementTotals(this.#gone, known));
    this.#gone = [];
  }

  /** One transaction of the difference, then ends flows, unless it `concerns` no open connection. */
  async apply(wish: Wish, concerns = true): Promise<Applied> {
    const { first, before, applied } = await this.#changeTable(() => this.#bring(wish));
    if (concerns && (first || applied.changed > 0)) {
      await this.connections.end({ before, loaded: applied.loaded });
    }
    return applied;
  }

  async #bring(wish: Wish): Promise<{
    readonly first: boolean;
    /** What the kernel held before; null where nothing. */
    readonly before: Elements | null;
    readonly applied: Applied;
  }> {
    const elements = wantedElements({ family: this.#deps.family, ...wish });
    const inForce = this.#inForce;
    const present = inForce === null ? await this.#deps.nft.read() : null;
    const before = inForce?.elements ?? present?.elements ?? null;
    this.#settleGone();
    this.#formerly = inForce?.wish.distributions ?? wish.distributions;
    const changes =
      inForce === null
        ? await this.#reach(elements, present)
        : await this.#step(elements, inForce.elements);
    this.#present = true;
    this.#inForce = { wish, elements };
    if (changes === null && present !== null) {
      this.#past = sumTotals(this.past, this.#totalsOf(present));
    }
    const size = Object.values(elements).reduce((sum, set) => sum + set.size, 0);
    const applied = { changed: changes?.count ?? size, loaded: changes === null };
    return { first: inForce === null, before, applied };
  }

  /**
   * From what was put in force last to what is wanted, without looking: a listing of a large table
   * takes seconds, and what others do to it is watched. Where the kernel disagrees, it is read.
   */
  async #step(elements: Elements, assumed: Elements): Promise<ElementChanges | null> {
    const { nft, log } = this.#deps;
    const changes = diffElements(elements, assumed);
    try {
      if (changes.count > 0) await nft.change(changes);
      return changes;
    } catch (error) {
      log.warn({ error: String(error) }, "the table is not what it was left as");
      return this.#reach(elements, await nft.read());
    }
  }

  /** Answers with the changes made; null where the whole table was loaded. */
  async #reach(elements: Elements, present: PresentTable | null): Promise<ElementChanges | null> {
    const { nft, log } = this.#deps;
    if (present !== null && this.#isIntact(present)) {
      const changes = diffElements(elements, present.elements);
      try {
        if (changes.count > 0) await nft.change(changes);
        return changes;
      } catch (error) {
        // Somebody changed the table since it was read: nothing of ours was done, so all is loaded.
        log.warn({ error: String(error) }, "the difference could not be applied");
      }
    }
    await this.#load(elements);
    return null;
  }

  /** Rules of our version that nobody has edited since they were first seen. */
  #isIntact(present: PresentTable): boolean {
    if (!this.#deps.nft.knows(present)) return false;
    this.#rules ??= present.rules;
    return this.#rules === present.rules;
  }

  #whatIsWrong(present: PresentTable | null): string {
    if (present === null) return "the table was gone";
    return this.#deps.nft.knows(present)
      ? "the table's rules or elements were changed by somebody"
      : "the table's rules were of another version";
  }

  async #load(elements: Elements): Promise<void> {
    const { nft } = this.#deps;
    await this.#loadNow(elements);
    this.#rules ??= (await nft.read())?.rules ?? null;
  }

  async #loadNow(elements: Elements): Promise<void> {
    const { nft, clock } = this.#deps;
    const began = clock.now();
    await nft.load(elements);
    this.#loadedAt = clock.now();
    this.#loadMs = this.#loadedAt - began;
    this.#present = true;
  }

  /** Whether a loss noticed at `noticed` may be the echo of our own load. */
  #mayBeEcho(noticed: Millis): boolean {
    const echoMs = Math.max(OWN_ECHO_MS, this.#loadMs * OWN_ECHO_LOADS);
    return this.#loadedAt !== null && this.#loadedAt > noticed - echoMs;
  }

  /** `compare`, unless that would keep the machine busy: at most a fiftieth of the time. */
  async compareAtLeisure(): Promise<void> {
    const now = this.#deps.clock.now();
    const since = this.#comparedAt === null ? Number.POSITIVE_INFINITY : now - this.#comparedAt;
    if (since > this.#readMs * 50) await this.compare(now);
  }

  /** Loads the table again, at once and without looking first, unless it was our own doing. */
  async restore(noticed: Millis): Promise<void> {
    const restored = await this.#changeTable(async () => {
      const inForce = this.#inForce;
      if (inForce === null) return false;
      if (this.#mayBeEcho(noticed)) return false;
      this.#present = false;
      this.#past = this.totals;
      this.#counted = new Map();
      await this.#loadNow(inForce.elements);
      return true;
    });
    if (!restored) return this.compare(noticed);
    this.#noteRepair(noticed, "table-restored", "somebody deleted the table; it is loaded again");
    await this.connections.end({ before: null, loaded: true });
  }

  /** Looks whether the kernel still holds what is in force, and repairs what it does not. */
  compare(noticed: Millis = this.#deps.clock.now()): Promise<void> {
    this.#comparison ??= this.#compareInTurn(noticed);
    return this.#comparison;
  }

  async #compareInTurn(noticed: Millis): Promise<void> {
    const found = await this.#changeTable(async () => {
      this.#comparison = null;
      const inForce = this.#inForce;
      if (inForce === null) return undefined;
      const present = await this.read();
      this.#comparedAt = this.#deps.clock.now();
      const wrong = this.#whatIsWrong(present);
      this.#present = present !== null;
      const changes = await this.#reach(inForce.elements, present);
      if (changes === null) {
        this.#past = this.totals;
        this.#counted = new Map();
      }
      return { wrong, changes };
    });
    if (found === undefined || found.changes?.count === 0) return;
    if (found.changes === null) {
      this.#noteRepair(noticed, "table-restored", `${found.wrong}; it is loaded again`);
      await this.connections.end({ before: null, loaded: true });
    } else {
      const text = `${found.wrong}; ${found.changes.count} elements are put right`;
      this.#noteRepair(noticed, "table-repaired", text);
    }
  }

  #noteRepair(noticed: Millis, event: string, text: string): void {
    this.#repairs += 1;
    this.#lastRepairMs = Math.round(this.#deps.clock.now() - noticed);
    this.#deps.event("alarm", event, text, { tookMs: this.#lastRepairMs });
  }
}

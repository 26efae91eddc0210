// data-plane.ts — brings the kernel to what is wanted, one change at a time, and knows what is in force.
import type { Clock, EventLog, Family, Log, Millis } from "@lbpair/common";
import { type CountedElement, elementTotals, sumTotals, type Totals } from "./counters.js";
import { ElementBook, NO_WISH, type Wish } from "./element-book.js";
import type { ElementChanges } from "./elements.js";
import type { FlowKeeper } from "./flow-keeper.js";
import { FlowTurns, type Gone } from "./flow-turns.js";
import { KernelTable, type Survey } from "./kernel-table.js";
import type { NftTable } from "./nft.js";

export type { Wish } from "./element-book.js";

export interface DataPlaneDeps {
  readonly family: Family;
  readonly nft: NftTable;
  readonly flows: FlowKeeper;
  readonly clock: Clock;
  readonly log: Log;
  readonly event: EventLog["record"];
}

export interface Applied {
  /** Elements changed; 0 = the kernel held all of it already. */
  readonly changed: number;
  /** Whether the whole table was loaded, because it was missing or of another version. */
  readonly loaded: boolean;
}

/** Comparing a large table takes at most this share of the time, */
const COMPARING_SHARE = 1 / 250;
/** and this one where somebody is known to have touched it. */
const TOUCHED_SHARE = 1 / 20;
/** A comparison that takes no longer is made at once, whoever touched the table. */
const QUICK_MS = 1000;

export class DataPlane {
  /** Connections have a queue of their own, so that a lost table never waits for them. */
  readonly connections: FlowTurns;
  readonly #deps: DataPlaneDeps;
  readonly #book: ElementBook;
  readonly #table: KernelTable;
  #inForce: Wish | null = null;
  #past: Totals = new Map();
  /** Of the last reading. */
  #counted: Totals = new Map();
  /** Before the last change: elements that it removed are counted to these. */
  #formerly: Wish["distributions"] = [];
  /** Elements that went and are not counted to the past yet: one look-up is built for all of them. */
  #gone: CountedElement[] = [];
  #comparedAt: Millis | null = null;
  /** Since the last comparison. */
  #touched = false;
  #tableTurn: Promise<unknown> = Promise.resolve();
  /** A comparison that is queued and has not begun: it will see whatever happens until then. */
  #comparison: Promise<void> | null = null;
  #repairs = 0;
  #lastRepairMs: number | null = null;
  #present = false;

  constructor(deps: DataPlaneDeps, past: Totals) {
    this.#deps = deps;
    this.#past = past;
    const { nft, clock, log } = deps;
    this.#book = new ElementBook(deps.family);
    this.#table = new KernelTable({ nft, book: this.#book, clock, log });
    this.connections = new FlowTurns(deps, () => this.#inForce?.distributions ?? null);
  }

  /** What is in force; null before the first success. */
  get wish(): Wish | null {
    return this.#inForce;
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

  /** Reads the kernel's counters; remembered, since a deleted table takes its counts with it. */
  async read(): Promise<void> {
    const counted = await this.#table.counted();
    if (counted !== null) this.#counted = this.#totalsOf(counted);
  }

  #totalsOf(counted: readonly CountedElement[]): Totals {
    return elementTotals(counted, this.#inForce?.distributions ?? []);
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
    const now = this.#inForce?.distributions ?? [];
    this.#past = sumTotals(this.#past, elementTotals(this.#gone, now, this.#formerly));
    this.#gone = [];
  }

  /** One transaction of the difference, then ends flows, unless it `concerns` no open connection. */
  async apply(wish: Wish, concerns = true): Promise<Applied> {
    const { first, gone, applied } = await this.#changeTable(() => this.#bring(wish));
    if (concerns && (first || applied.changed > 0)) {
      await this.connections.end({ gone, loaded: applied.loaded });
    } else if (concerns) {
      // Another order may have brought just this, and be ending its flows still.
      await this.connections.idle();
    }
    return applied;
  }

  /** What would change if this were wished; nothing does. */
  preview(wish: Wish): Promise<ElementChanges> {
    return this.#changeTable(async () => {
      const changes = this.#book.change(wish);
      this.#book.change(this.#inForce ?? NO_WISH);
      return changes;
    });
  }

  async #bring(wish: Wish): Promise<{
    readonly first: boolean;
    readonly gone: Gone | null;
    readonly applied: Applied;
  }> {
    const before = this.#inForce;
    const step = this.#book.change(wish);
    try {
      const survey = before === null ? await this.#table.survey() : null;
      this.#settleGone();
      this.#formerly = (before ?? wish).distributions;
      const changes =
        survey === null ? await this.#step(step) : await this.#table.reach(survey, false);
      this.#present = true;
      this.#inForce = wish;
      this.#comparedAt ??= this.#deps.clock.now();
      if (changes === null && survey !== null) {
        this.#past = sumTotals(this.past, this.#totalsOf(survey.counted));
      }
      const gone = survey === null ? step.removed : survey.present && survey.changes.removed;
      const applied = { changed: changes?.count ?? this.#table.size, loaded: changes === null };
      return { first: before === null, gone, applied };
    } catch (error) {
      this.#book.change(before ?? NO_WISH);
      throw error;
    }
  }

  /**
   * From what was put in force last to what is wanted, without looking: a listing of a large table
   * takes seconds, and what others do to it is watched. Where the kernel disagrees, it is read.
   */
  async #step(changes: ElementChanges): Promise<ElementChanges | null> {
    const { nft, log } = this.#deps;
    try {
      if (changes.count > 0) await nft.change(changes);
      return changes;
    } catch (error) {
      log.warn({ error: String(error) }, "the table is not what it was left as");
      return this.#table.reach(await this.#table.survey(), false);
    }
  }

  #whatIsWrong({ present }: Survey): string {
    if (present === null) return "the table was gone";
    return this.#deps.nft.knows(present)
      ? "the table's rules or elements were changed by somebody"
      : "the table's rules were of another version";
  }

  /** `compare`, unless that would keep the machine busy. */
  async compareAtLeisure(): Promise<void> {
    const now = this.#deps.clock.now();
    const since = this.#comparedAt === null ? Number.POSITIVE_INFINITY : now - this.#comparedAt;
    const share = this.#touched ? TOUCHED_SHARE : COMPARING_SHARE;
    if (since > this.#table.surveyMs / share) await this.compare(now);
  }

  /** Somebody did something to the table. A large one is compared when its turn comes. */
  async touched(): Promise<void> {
    if (this.#table.surveyMs <= QUICK_MS) return this.compare();
    // Our own load is more than a monitor can tell whole.
    this.#touched ||= !this.#table.mayBeEcho(this.#deps.clock.now());
  }

  /** Loads the table again, at once and without looking first, unless it was our own doing. */
  async restore(noticed: Millis): Promise<void> {
    const restored = await this.#changeTable(async () => {
      if (this.#inForce === null || this.#table.mayBeEcho(noticed)) return false;
      this.#present = false;
      this.#past = this.totals;
      this.#counted = new Map();
      await this.#table.load();
      this.#present = true;
      return true;
    });
    if (!restored) return this.compare(noticed);
    this.#noteRepair(noticed, "table-restored", "somebody deleted the table; it is loaded again");
    await this.connections.end({ gone: null, loaded: true });
  }

  /** Looks whether the kernel still holds what is in force, and repairs what it does not. */
  compare(noticed: Millis = this.#deps.clock.now()): Promise<void> {
    this.#comparison ??= this.#compareInTurn(noticed);
    return this.#comparison;
  }

  async #compareInTurn(noticed: Millis): Promise<void> {
    const found = await this.#changeTable(async () => {
      this.#comparison = null;
      if (this.#inForce === null) return undefined;
      const survey = await this.#table.survey();
      if (survey.present !== null) this.#counted = this.#totalsOf(survey.counted);
      this.#comparedAt = this.#deps.clock.now();
      this.#touched = false;
      this.#present = survey.present !== null;
      const changes = await this.#table.reach(survey, true);
      this.#present = true;
      if (changes === null) {
        this.#past = this.totals;
        this.#counted = new Map();
      }
      return { wrong: this.#whatIsWrong(survey), changes };
    });
    if (found === undefined || found.changes?.count === 0) return;
    if (found.changes === null) {
      this.#noteRepair(noticed, "table-restored", `${found.wrong}; it is loaded again`);
      await this.connections.end({ gone: null, loaded: true });
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

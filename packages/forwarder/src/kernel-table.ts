// kernel-table.ts — wiring: the table in the kernel is looked at, changed, or loaded whole, as a book says.
import type { Clock, Log, Millis } from "@lbpair/common";
import type { CountedElement } from "./counters.js";
import type { ElementBook } from "./element-book.js";
import { CONFIGURED, type ElementChanges, type Elements } from "./elements.js";
import { inSlices } from "./in-slices.js";
import type { NftTable } from "./nft.js";
import type { PresentTable } from "./present-table.js";
import { TableDifference } from "./table-difference.js";

export interface KernelTableDeps {
  readonly nft: NftTable;
  readonly book: ElementBook;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the kernel holds, beside what the book says. */
export interface Survey {
  /** Null where there is no table. */
  readonly present: PresentTable | null;
  /** From the present elements to the book's; of no use where the rules are of another version. */
  readonly changes: ElementChanges;
  /** Elements that have counted anything. */
  readonly counted: readonly CountedElement[];
  /** False where only the rules were looked at, and the elements are too many for it. */
  readonly listed: boolean;
}

/**
 * Elements of one set with which it is still listed. The kernel begins at the first one for each few
 * hundred that it hands out: twice as many take four times as long (measured: 70,000 in 2 s, 560,000
 * in 70 s).
 */
export const LISTED_ELEMENTS_MAX = 200_000;
/** What a listing takes, where there was none yet. */
const LISTING_MS_PER_ELEMENT = 0.02;

/** A loss noticed this soon after our own load is looked at before it is believed. */
const OWN_ECHO_MS = 300;
/** News of a large load comes late: so many times what the load took. */
const OWN_ECHO_LOADS = 10;

export class KernelTable {
  readonly #deps: KernelTableDeps;
  #loadedAt: Millis | null = null;
  #loadMs = 0;
  #surveyMs = 0;
  #size = 0;
  /** Elements of the largest set, as of the last load or survey. */
  #largest = 0;
  /** The rules as nft lists them; null until read after a load. */
  #rules: string | null = null;

  constructor(deps: KernelTableDeps) {
    this.#deps = deps;
  }

  /** Elements of the last load. */
  get size(): number {
    return this.#size;
  }

  /** How long a survey takes. */
  get surveyMs(): number {
    return this.#surveyMs;
  }

  /** Whether a loss noticed at `noticed` may be the echo of our own load. */
  mayBeEcho(noticed: Millis): boolean {
    const echoMs = Math.max(OWN_ECHO_MS, this.#loadMs * OWN_ECHO_LOADS);
    return this.#loadedAt !== null && this.#loadedAt > noticed - echoMs;
  }

  /** Lists the whole table: seconds for a large one, all of them the kernel's and nft's. */
  async survey(): Promise<Survey> {
    const { nft, book, clock } = this.#deps;
    const began = clock.now();
    const difference = new TableDifference();
    const counted: CountedElement[] = [];
    const rules = await nft.listRules();
    if (rules === null) {
      return { present: null, changes: difference.changes(), counted, listed: true };
    }
    await inSlices(book.parts(), (part) => difference.want(part));
    this.#largest = difference.largest;
    if (!this.#mayList) {
      return { present: rules, changes: difference.changes(), counted, listed: false };
    }
    const present = await nft.list((set, key, value, count) => {
      difference.see(set, key, value);
      if (count !== null && count.packets > 0) counted.push({ set, key, value, ...count });
    });
    if (present !== null && nft.knows(present) && !difference.isWhole) {
      await inSlices(book.parts(), (part) => difference.lack(part));
    }
    this.#surveyMs = clock.now() - began;
    return { present, changes: difference.changes(), counted, listed: true };
  }

  get #mayList(): boolean {
    return this.#largest <= LISTED_ELEMENTS_MAX;
  }

  /** Only what has counted anything; null where there is no table, or it is too large. */
  async counted(): Promise<readonly CountedElement[] | null> {
    if (!this.#mayList) return null;
    const counted: CountedElement[] = [];
    const present = await this.#deps.nft.list((set, key, value, count) => {
      if (count !== null && count.packets > 0) counted.push({ set, key, value, ...count });
    });
    return present === null ? null : counted;
  }

  /**
   * Answers with the changes made; null where the whole table was loaded. `isOurs` says that this
   * process has loaded it: then elements that were not listed are taken to be what they were.
   */
  async reach(survey: Survey, isOurs: boolean): Promise<ElementChanges | null> {
    const { nft, log } = this.#deps;
    const { present, changes, listed } = survey;
    if (present !== null && this.#isIntact(present) && (listed || isOurs)) {
      try {
        if (changes.count > 0) await nft.change(changes);
        return changes;
      } catch (error) {
        // Somebody changed the table since it was read: nothing of ours was done, so all is loaded.
        log.warn({ error: String(error) }, "the difference could not be applied");
      }
    }
    await this.load();
    this.#rules ??= (await nft.listRules())?.rules ?? null;
    return null;
  }

  async load(): Promise<void> {
    const { nft, book, clock } = this.#deps;
    const began = clock.now();
    const sizes = new Map<string, number>();
    function* counting(): Generator<Elements> {
      for (const part of book.parts()) {
        for (const set of CONFIGURED) sizes.set(set, (sizes.get(set) ?? 0) + part[set].size);
        yield part;
      }
    }
    await nft.load(counting());
    this.#loadedAt = clock.now();
    this.#loadMs = this.#loadedAt - began;
    this.#size = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    this.#largest = Math.max(...sizes.values());
    this.#surveyMs = Math.max(this.#surveyMs, this.#size * LISTING_MS_PER_ELEMENT);
  }

  /** Rules of our version that nobody has edited since they were first seen. */
  #isIntact(present: PresentTable): boolean {
    if (!this.#deps.nft.knows(present)) return false;
    this.#rules ??= present.rules;
    return this.#rules === present.rules;
  }
}

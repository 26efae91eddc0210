// persistence-keeper.ts — wiring: reads what the kernel remembers of clients, and what the peer said.
import type { Clock, Millis } from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import { anyPersists, type Persisted, persistedElements, persistedOf } from "./persistence.js";
import type { PinTable } from "./pin-table.js";
import type { TimedElement, TimedElements } from "./timed-elements.js";

type PersistTable = Pick<PinTable, "readPersisted" | "changePersisted">;

const NONE: TimedElements = new Map();

export class PersistenceKeeper {
  readonly #table: PersistTable;
  readonly #clock: Clock;
  #elements = NONE;
  #at: Millis;

  constructor(table: PersistTable, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** As of the last look. */
  get elements(): TimedElements {
    return this.#elements;
  }

  /** For the peer. */
  said(distributions: readonly Distribution[]): Persisted[] {
    return persistedOf(this.#elements, distributions);
  }

  /** What the last look saw, with the time that has passed since. */
  #remembered(): Map<string, TimedElement> {
    const passed = (this.#clock.now() - this.#at) / 1000;
    return new Map(
      [...this.#elements].flatMap(([key, { value, seconds }]): [string, TimedElement][] =>
        seconds > passed ? [[key, { value, seconds: seconds - passed }]] : [],
      ),
    );
  }

  /** Where the kernel has lost them all before their time, the table was loaded anew. */
  async look(distributions: readonly Distribution[]): Promise<void> {
    if (!anyPersists(distributions)) {
      this.#elements = NONE;
      return;
    }
    let present: TimedElements = await this.#table.readPersisted();
    const remembered = this.#remembered();
    if (present.size === 0 && remembered.size > 0) {
      await this.#table.changePersisted(remembered, present);
      present = remembered;
    }
    this.#elements = present;
    this.#at = this.#clock.now();
  }

  /** What the active said replaces what is known here; it is in the kernel when this resolves. */
  async adopt(
    persisted: readonly Persisted[],
    distributions: readonly Distribution[],
  ): Promise<void> {
    const wanted = persistedElements(persisted, distributions);
    if (wanted.size === 0 && !anyPersists(distributions)) return;
    await this.#table.changePersisted(wanted, await this.#table.readPersisted());
    this.#elements = wanted;
    this.#at = this.#clock.now();
  }
}

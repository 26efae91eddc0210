// flow-turns.ts — work on live connections, one piece after the other; what failed is tried again.
import type { EventLog, Log } from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import type { Elements } from "./elements.js";
import type { Flow } from "./flow.js";
import type { Choose, FlowKeeper } from "./flow-keeper.js";

export interface FlowTurnsDeps {
  readonly flows: FlowKeeper;
  readonly log: Log;
  readonly event: EventLog["record"];
}

/** Elements by which connections of services that are no more are found. */
export type Gone = Pick<Elements, "floating" | "services" | "wideservices">;

/** A change of the table, for the connections that it concerns. */
export interface TableChange {
  /** What went with it; null where nothing was there before. */
  readonly gone: Gone | null;
  /** Whether the whole table was loaded: connections may have begun without it. */
  readonly loaded: boolean;
}

interface Forgetting {
  readonly why: string;
  readonly stillPassive: () => boolean;
}

function bothGone(a: Gone | null, b: Gone | null): Gone | null {
  if (a === null || b === null) return a ?? b;
  const floating = new Map([...a.floating, ...b.floating]);
  const services = new Map([...a.services, ...b.services]);
  const wideservices = new Map([...a.wideservices, ...b.wideservices]);
  return { floating, services, wideservices };
}

export class FlowTurns {
  readonly #deps: FlowTurnsDeps;
  readonly #inForce: () => readonly Distribution[] | null;
  #turn: Promise<unknown> = Promise.resolve();
  #owedChange: TableChange | null = null;
  #owedForgetting: Forgetting | null = null;

  /** `inForce` answers with what the table holds now; null before its first load. */
  constructor(deps: FlowTurnsDeps, inForce: () => readonly Distribution[] | null) {
    this.#deps = deps;
    this.#inForce = inForce;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Ends the connections that do not fit the table any more. Never rejects. */
  end(change: TableChange): Promise<void> {
    return this.#inTurn(() => this.#end(change));
  }

  /**
   * After standing down and at start while passive, never on take over: an entry of an earlier time as
   * active would send a client to the wrong server. Never rejects.
   */
  forget(why: string, stillPassive: () => boolean): Promise<void> {
    return this.#inTurn(() => this.#forget({ why, stillPassive }));
  }

  /** Resolves when everything asked for so far is done, or has failed. */
  async idle(): Promise<void> {
    await this.#turn;
  }

  /** Looks for connections that the maps do not describe, and answers with all. Rejects where the table cannot be listed. */
  pin(): Promise<readonly Flow[]> {
    return this.#inTurn(() => this.#deps.flows.pin(this.#inForce() ?? []));
  }

  /** Ends the connections that an operator picks. Rejects where that could not be done. */
  cut(choose: Choose): Promise<number> {
    return this.#inTurn(() => this.#deps.flows.cut(this.#inForce() ?? [], choose));
  }

  /** Tries again what failed. */
  async settle(): Promise<void> {
    if (this.#owedChange === null && this.#owedForgetting === null) return;
    await this.#inTurn(async () => {
      if (this.#owedForgetting !== null) await this.#forget(this.#owedForgetting);
      if (this.#owedChange !== null) await this.#end(this.#owedChange);
    });
  }

  /**
   * Judged by what is in force when its turn comes. A failure takes no change of the table back:
   * a halted server would be in service again.
   */
  async #end(change: TableChange): Promise<void> {
    const distributions = this.#inForce();
    if (distributions === null) return;
    const { flows } = this.#deps;
    const gone = bothGone(this.#owedChange?.gone ?? null, change.gone);
    const loaded = change.loaded || this.#owedChange?.loaded === true;
    try {
      if (loaded) await flows.dropUntranslated(distributions);
      await flows.endStrays(distributions, gone);
      this.#owedChange = null;
    } catch (error) {
      this.#tell(this.#owedChange === null, error);
      this.#owedChange = { gone, loaded };
    }
  }

  async #forget(order: Forgetting): Promise<void> {
    const first = this.#owedForgetting === null;
    this.#owedForgetting = null;
    const { why, stillPassive } = order;
    if (!stillPassive()) return;
    try {
      await this.#deps.flows.forget(this.#inForce() ?? [], why, stillPassive);
    } catch (error) {
      this.#tell(first, error);
      this.#owedForgetting = order;
    }
  }

  #tell(first: boolean, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#deps.log.warn({ error: reason }, "connections could not be ended; trying again");
    if (!first) return;
    const text = `connections that have to end could not be ended yet: ${reason}`;
    this.#deps.event("alarm", "connections-not-ended", text, { reason });
  }
}

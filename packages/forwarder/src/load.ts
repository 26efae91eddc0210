// load.ts — what the connection table last said of the servers' load: weights of turns, and who is full.
import type { EventLog } from "@lbpair/common";
import { type Full, isFull, judgeFull, NONE_FULL, sameFull } from "./connection-limits.js";
import type { Distribution, FullOf } from "./distribution.js";
import type { Flow } from "./flow.js";
import { limitEvents } from "./pool-events.js";
import { NOT_STEERED, type Steered, sameWeights, steerAll } from "./steering.js";

export class Load {
  readonly #event: EventLog["record"];
  #steered: Steered = NOT_STEERED;
  #full: Full = NONE_FULL;

  constructor(event: EventLog["record"]) {
    this.#event = event;
  }

  /** Takes these connections for what is open; whether new ones are to be dealt otherwise now. */
  look(distributions: readonly Distribution[], flows: readonly Flow[]): boolean {
    const steered = steerAll(distributions, flows);
    const full = judgeFull(distributions, flows, this.#full);
    if (sameWeights(steered, this.#steered) && sameFull(full, this.#full)) return false;
    for (const each of limitEvents(this.#full, full)) {
      this.#event(each.level, each.event, each.text, each.facts);
    }
    this.#steered = steered;
    this.#full = full;
    return true;
  }

  /** A passive node sees no connections: what it knew of full servers ends with its role. */
  forgetFull(): void {
    this.#full = NONE_FULL;
  }

  get steered(): Steered {
    return this.#steered;
  }

  get full(): Full {
    return this.#full;
  }

  get fullOf(): FullOf {
    return (server) => isFull(server, this.#full);
  }
}

// verdict-exchange.ts — the active's verdicts, as its forwarder told them, for a peer that follows others.
import type { EventLog, RevisionId, Verdicts } from "@lbpair/common";
import type { Advertiser } from "./advertiser.js";
import { NO_REVISION } from "./core/advert.js";

export class VerdictExchange {
  private readonly events: EventLog;
  /** Undefined until the forwarder has told them: nobody may follow what nobody said. */
  private verdicts: Verdicts | undefined;
  private tooLong = false;

  constructor(events: EventLog) {
    this.events = events;
  }

  /** What the adverts say of them. */
  get id(): RevisionId {
    const { serial, hash } = this.verdicts ?? NO_REVISION;
    return { serial, hash };
  }

  /** The forwarder's word; true where it is a new one. */
  learn(verdicts: Verdicts): boolean {
    const changed = verdicts.hash !== this.verdicts?.hash;
    this.verdicts = verdicts;
    return changed;
  }

  /** Sends them to a peer that follows others. */
  offer(followed: RevisionId, advertiser: Advertiser | undefined): void {
    const { verdicts } = this;
    if (verdicts === undefined || followed.hash === verdicts.hash) return;
    const fits = advertiser?.sayVerdicts(verdicts) ?? true;
    if (!fits && !this.tooLong) {
      const text =
        "too many unhealthy servers for the verdicts to travel; the peer follows its own";
      this.events.record("alarm", "verdicts-too-long", text, {});
    }
    this.tooLong = !fits;
  }
}

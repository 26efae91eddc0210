// data-plane.ts — brings the kernel to what is wanted, one change at a time, and knows what is in force.
import type { Clock, EventLog, Family, Log, Millis } from "@lbpair/common";
import type { ConnectionTable } from "./conntrack.js";
import { countsLost, countTotals, sumTotals, type Totals } from "./counters.js";
import { cutsText, FLOWS_CUT_MAX, findStrays, serverPairs } from "./cuts.js";
import type { Distribution } from "./distribution.js";
import { diffElements, type ElementChanges, type Elements } from "./elements.js";
import type { Flow } from "./flow.js";
import type { NftTable } from "./nft.js";
import type { PresentTable } from "./present-table.js";
import type { Provoker } from "./provoker.js";
import { wantedElements } from "./wanted-elements.js";

export interface DataPlaneDeps {
  readonly family: Family;
  readonly nft: NftTable;
  readonly connections: ConnectionTable;
  readonly provoker: Provoker;
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

export class DataPlane {
  readonly #deps: DataPlaneDeps;
  #inForce: InForce | null = null;
  #past: Totals = new Map();
  #queue: Promise<unknown> = Promise.resolve();
  #loadedAt: Millis | null = null;
  #repairs = 0;
  #lastRepairMs: number | null = null;
  #present = false;
  /** The rules as nft lists them; null until read after a load. */
  #rules: string | null = null;

  constructor(deps: DataPlaneDeps, past: Totals) {
    this.#deps = deps;
    this.#past = past;
  }

  /** What is in force; null before the first success. */
  get wish(): Wish | null {
    return this.#inForce?.wish ?? null;
  }

  /** Counts of elements that are gone; what the kernel counts comes on top. */
  get past(): Totals {
    return this.#past;
  }

  get table(): { present: boolean; repairs: number; lastRepairMs: number | null } {
    return { present: this.#present, repairs: this.#repairs, lastRepairMs: this.#lastRepairMs };
  }

  /** One after the other: a change never meets another half done. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  read(): Promise<PresentTable | null> {
    return this.#inTurn(() => this.#deps.nft.read());
  }

  /** Compares wanted with present and changes the difference, in one transaction. */
  apply(wish: Wish): Promise<Applied> {
    return this.#inTurn(() => this.#apply(wish));
  }

  async #apply(wish: Wish): Promise<Applied> {
    const { nft, family } = this.#deps;
    const elements = wantedElements({ family, ...wish });
    const before = this.#inForce;
    const present = await nft.read();
    const known = present !== null && this.#isIntact(present);
    let changes: ElementChanges | null = null;
    if (known) {
      changes = diffElements(elements, present.elements);
      if (changes.count > 0) await nft.change(changes);
    } else {
      await this.#load(elements);
    }
    this.#present = true;
    this.#inForce = { wish, elements };
    const counted = before?.wish.distributions ?? wish.distributions;
    if (present !== null && changes?.count !== 0) {
      this.#past = sumTotals(this.#past, countTotals(countsLost(present, changes), counted));
    }
    const changed = changes?.count ?? [...Object.values(elements)].reduce((n, m) => n + m.size, 0);
    if (before === null || changed > 0) {
      await this.#endStrays(wish, present, !known);
    }
    return { changed, loaded: !known };
  }

  /** Rules of our version that nobody has edited since they were first seen. */
  #isIntact(present: PresentTable): boolean {
    if (!this.#deps.nft.knows(present)) return false;
    this.#rules ??= present.rules;
    return this.#rules === present.rules;
  }

  async #load(elements: Elements): Promise<void> {
    const { nft, clock } = this.#deps;
    await nft.load(elements);
    this.#loadedAt = clock.now();
    this.#rules ??= (await nft.read())?.rules ?? null;
  }

  async #endStrays(wish: Wish, before: PresentTable | null, loaded: boolean): Promise<void> {
    const { connections, event } = this.#deps;
    if (loaded) await this.#dropUntranslated(wish);
    const former = new Set(before?.elements.services.keys() ?? []);
    const vips = new Set([...(before?.elements.floating.keys() ?? []), ...wish.floatingIps]);
    const strays = findStrays(await connections.list(vips), wish.distributions, former);
    for (const { server, vip } of serverPairs(strays.udp)) {
      await connections.deleteServer(server, vip, "udp");
    }
    await this.#cut(strays.tcp);
    if (strays.udp.length > 0) {
      const text = `${strays.udp.length} UDP flows are free to find another server`;
      event("info", "udp-flows-freed", text, { flows: strays.udp.length });
    }
  }

  /** Entries that came into being while the rules were away would keep their flows untranslated. */
  async #dropUntranslated(wish: Wish): Promise<void> {
    const vips = new Set(wish.distributions.map((each) => each.service.address));
    const servers = new Set(
      wish.distributions.flatMap((each) => each.service.servers.map((server) => server.address)),
    );
    await this.#deps.connections.deleteUntranslated([...vips], [...servers]);
  }

  async #cut(flows: readonly Flow[]): Promise<void> {
    if (flows.length === 0) return;
    const { nft, connections, provoker, family, event } = this.#deps;
    const cut = flows.slice(0, FLOWS_CUT_MAX);
    // From here on every packet of these flows is answered with a reset, entry or not.
    await nft.add(cutsText(family, cut));
    const done = provoker.provoke(cut);
    for (const { server, vip } of serverPairs(flows)) {
      await connections.deleteServer(server, vip, "tcp");
    }
    for (const { server, vip, flows: count } of serverPairs(flows)) {
      const text = `${count} open connections of ${server} through ${vip} were cut`;
      event("info", "connections-cut", text, { server, vip, connections: count });
    }
    void done;
  }

  /**
   * Forgets the connections of all virtual services. After standing down and at start while passive,
   * never on take over: an entry of an earlier time as active would send a client to the wrong server.
   */
  forgetConnections(why: string): Promise<void> {
    return this.#inTurn(async () => {
      const { connections, event } = this.#deps;
      const distributions = this.#inForce?.wish.distributions ?? [];
      const vips = new Set(distributions.map((each) => each.service.address));
      for (const vip of vips) await connections.deleteVip(vip);
      event(
        "info",
        "connections-forgotten",
        `the connection table was emptied of services: ${why}`,
      );
    });
  }

  /** Loads the table again, at once and without looking first, as long as it is not our own echo. */
  async restore(noticed: Millis): Promise<void> {
    const { clock, event } = this.#deps;
    const inForce = this.#inForce;
    if (inForce === null) return;
    if (this.#loadedAt !== null && noticed - this.#loadedAt < OWN_ECHO_MS) {
      await this.compare(noticed);
      return;
    }
    await this.#inTurn(async () => {
      this.#present = false;
      await this.#deps.nft.load(inForce.elements);
      this.#present = true;
      this.#loadedAt = clock.now();
      this.#noteRepair(noticed);
      const facts = { tookMs: this.#lastRepairMs };
      event("alarm", "table-restored", "somebody deleted the table; it is loaded again", facts);
      await this.#dropUntranslated(inForce.wish);
    });
  }

  /** Looks whether the kernel still holds what is in force, and repairs what it does not. */
  async compare(noticed: Millis = this.#deps.clock.now()): Promise<void> {
    const { nft, event } = this.#deps;
    await this.#inTurn(async () => {
      const inForce = this.#inForce;
      if (inForce === null) return;
      const present = await nft.read();
      if (present !== null && this.#isIntact(present)) {
        const changes = diffElements(inForce.elements, present.elements);
        if (changes.count === 0) return;
        await nft.change(changes);
        this.#noteRepair(noticed);
        const facts = { elements: changes.count, tookMs: this.#lastRepairMs };
        event("alarm", "table-repaired", "somebody changed the table; it is repaired", facts);
        return;
      }
      await this.#load(inForce.elements);
      this.#noteRepair(noticed);
      const facts = { tookMs: this.#lastRepairMs };
      const text = "the table or its rules were changed by somebody; it is loaded again";
      event("alarm", "table-restored", text, facts);
      await this.#dropUntranslated(inForce.wish);
    });
  }

  #noteRepair(noticed: Millis): void {
    this.#repairs += 1;
    this.#lastRepairMs = Math.round(this.#deps.clock.now() - noticed);
  }
}

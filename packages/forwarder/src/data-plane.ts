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
  #tableTurn: Promise<unknown> = Promise.resolve();
  #flowTurn: Promise<unknown> = Promise.resolve();
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

  /** One change of the table after the other; nothing slow happens in here. */
  #changeTable<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tableTurn.then(work, work);
    this.#tableTurn = turn.catch(() => undefined);
    return turn;
  }

  /** Connections have a queue of their own, so that a lost table never waits for them. */
  #changeFlows<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#flowTurn.then(work, work);
    this.#flowTurn = turn.catch(() => undefined);
    return turn;
  }

  read(): Promise<PresentTable | null> {
    return this.#deps.nft.read();
  }

  /** Compares wanted with present, changes the difference in one transaction, then ends flows. */
  async apply(wish: Wish): Promise<Applied> {
    const { first, present, applied } = await this.#changeTable(() => this.#bring(wish));
    if (first || applied.changed > 0) {
      await this.#changeFlows(() => this.#endStrays(wish, present, applied.loaded));
    }
    return applied;
  }

  async #bring(wish: Wish): Promise<{
    readonly first: boolean;
    readonly present: PresentTable | null;
    readonly applied: Applied;
  }> {
    const elements = wantedElements({ family: this.#deps.family, ...wish });
    const before = this.#inForce;
    const present = await this.#deps.nft.read();
    const changes = await this.#reach(elements, present);
    this.#present = true;
    this.#inForce = { wish, elements };
    if (present !== null && changes?.count !== 0) {
      const counted = before?.wish.distributions ?? wish.distributions;
      this.#past = sumTotals(this.#past, countTotals(countsLost(present, changes), counted));
    }
    const size = Object.values(elements).reduce((sum, set) => sum + set.size, 0);
    const applied = { changed: changes?.count ?? size, loaded: changes === null };
    return { first: before === null, present, applied };
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
    return this.#changeFlows(async () => {
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

  /** Loads the table again, at once and without looking first, unless it was our own doing. */
  async restore(noticed: Millis): Promise<void> {
    const { clock, nft } = this.#deps;
    const restored = await this.#changeTable(async () => {
      const inForce = this.#inForce;
      if (inForce === null) return false;
      if (this.#loadedAt !== null && this.#loadedAt > noticed - OWN_ECHO_MS) return false;
      this.#present = false;
      await nft.load(inForce.elements);
      this.#present = true;
      this.#loadedAt = clock.now();
      return true;
    });
    if (!restored) return this.compare(noticed);
    this.#noteRepair(noticed, "table-restored", "somebody deleted the table; it is loaded again");
    await this.#recover();
  }

  /** Looks whether the kernel still holds what is in force, and repairs what it does not. */
  async compare(noticed: Millis = this.#deps.clock.now()): Promise<void> {
    const changes = await this.#changeTable(async () => {
      const inForce = this.#inForce;
      return inForce === null
        ? undefined
        : this.#reach(inForce.elements, await this.#deps.nft.read());
    });
    if (changes === undefined || changes?.count === 0) return;
    if (changes === null) {
      const text = "the table or its rules were changed by somebody; it is loaded again";
      this.#noteRepair(noticed, "table-restored", text);
      await this.#recover();
    } else {
      const text = `somebody changed ${changes.count} elements of the table; they are put right`;
      this.#noteRepair(noticed, "table-repaired", text);
    }
  }

  #recover(): Promise<void> {
    const wish = this.#inForce?.wish;
    if (wish === undefined) return Promise.resolve();
    return this.#changeFlows(() => this.#dropUntranslated(wish));
  }

  #noteRepair(noticed: Millis, event: string, text: string): void {
    this.#repairs += 1;
    this.#lastRepairMs = Math.round(this.#deps.clock.now() - noticed);
    this.#deps.event("alarm", event, text, { tookMs: this.#lastRepairMs });
  }
}

// element-book.ts — the table's elements as they follow from what is in force: never all at once in memory.
//
// A service's elements are a function of its own distribution, but for the way back: which VIP a
// server's packets belong to is decided by all services that have a server at its address. So a change
// is the difference of the services that changed and of the addresses of their servers, and costs as
// much as those are large, however many others there are.
import { type Family, familyOf } from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import {
  diffElements,
  type ElementChanges,
  type Elements,
  type MutableElements,
  noElements,
} from "./elements.js";
import { NO_PASSAGES, type Passages } from "./passage-elements.js";
import { sameValue } from "./same-value.js";
import { belongs, type PlannedServer } from "./server-plan.js";
import { addServerSide, addService, addSurroundings } from "./wanted-elements.js";

/** What is to be in force. */
export interface Wish {
  readonly distributions: readonly Distribution[];
  readonly floatingIps: readonly string[];
  readonly arms: readonly string[];
  readonly passages: Passages;
}

export const NO_WISH: Wish = {
  distributions: [],
  floatingIps: [],
  arms: [],
  passages: NO_PASSAGES,
};

/** Services, or addresses, of one part of everything. */
const PART = 200;

const sameServer = (a: PlannedServer, b: PlannedServer | undefined): boolean =>
  a === b ||
  (b !== undefined &&
    a.address === b.address &&
    a.port === b.port &&
    a.builtIn === b.builtIn &&
    belongs(a) === belongs(b));

/** Whether two distributions of one service claim the same sockets of servers for the same VIP. */
function sameClaims(a: Distribution, b: Distribution): boolean {
  const [was, is] = [a.service, b.service];
  if (was.sourceNat !== is.sourceNat) return false;
  if (a.id !== b.id || was.address !== is.address || was.protocol !== is.protocol) return false;
  if (was.ranges !== is.ranges && !sameValue(was.ranges, is.ranges)) return false;
  if (was.servers.length !== is.servers.length) return false;
  return was.servers.every((server, index) => sameServer(server, is.servers[index]));
}

const addressesOf = ({ service }: Distribution): Set<string> =>
  new Set(service.servers.map((server) => server.address));

interface Changed {
  readonly was: Distribution | undefined;
  readonly is: Distribution | undefined;
}

export class ElementBook {
  readonly #family: Family;
  #wish = NO_WISH;
  #byLabel = new Map<string, Distribution>();
  /** Labels of the services that have a server at an address. */
  readonly #at = new Map<string, string[]>();

  constructor(family: Family) {
    this.#family = family;
  }

  /** The changes that lead from what the book holds to a wish, which it holds from then on. */
  change(wish: Wish): ElementChanges {
    const before = this.#wish;
    const changed = this.#changedServices(wish.distributions);
    const touched = this.#touchedAddresses(changed);
    const was = this.#partOf(before, wish, changed, touched, "was");
    this.#enter(changed);
    this.#wish = wish;
    return diffElements(this.#partOf(wish, before, changed, touched, "is"), was);
  }

  /** Everything, in parts small enough to be made in passing. */
  *parts(): Generator<Elements> {
    const surroundings = noElements();
    addSurroundings(surroundings, { family: this.#family, ...this.#wish });
    yield surroundings;
    yield* this.#inParts(this.#byLabel.values(), addService);
    yield* this.#inParts(this.#at, (part, [address, labels]) =>
      addServerSide(part, this.#named(labels), address),
    );
  }

  *#inParts<T>(
    items: Iterable<T>,
    add: (part: MutableElements, item: T) => void,
  ): Generator<Elements> {
    let part = noElements();
    let size = 0;
    for (const item of items) {
      add(part, item);
      size += 1;
      if (size % PART !== 0) continue;
      yield part;
      part = noElements();
    }
    yield part;
  }

  #changedServices(now: readonly Distribution[]): Changed[] {
    if (now === this.#wish.distributions) return [];
    const changed: Changed[] = [];
    let kept = 0;
    for (const is of now) {
      if (familyOf(is.service.address) !== this.#family) continue;
      const was = this.#byLabel.get(is.service.label);
      if (was !== undefined) kept += 1;
      if (was !== is) changed.push({ was, is });
    }
    if (kept === this.#byLabel.size) return changed;
    const labels = new Set(now.map(({ service }) => service.label));
    for (const [label, was] of this.#byLabel) {
      if (!labels.has(label)) changed.push({ was, is: undefined });
    }
    return changed;
  }

  /** Addresses whose way back may differ; with them those of services that answer on other ports. */
  #touchedAddresses(changed: readonly Changed[]): ReadonlySet<string> {
    const touched = new Set<string>();
    for (const { was, is } of changed) {
      if (was !== undefined && is !== undefined && sameClaims(was, is)) continue;
      for (const each of [was, is]) {
        if (each !== undefined) for (const address of addressesOf(each)) touched.add(address);
      }
    }
    // A service's number leads to its VIP as long as any of its servers' sockets needs that.
    for (const address of [...touched]) {
      for (const each of this.#named(this.#at.get(address) ?? [])) {
        if (each.service.servers.every((server) => server.port === 0)) continue;
        for (const other of addressesOf(each)) touched.add(other);
      }
    }
    return touched;
  }

  /** The elements of what changed, as they were or are. */
  #partOf(
    wish: Wish,
    other: Wish,
    changed: readonly Changed[],
    touched: ReadonlySet<string>,
    when: "was" | "is",
  ): Elements {
    const part = noElements();
    const same =
      wish.arms.join() === other.arms.join() &&
      sameList(wish, other) &&
      sameValue(wish.passages, other.passages);
    if (!same) addSurroundings(part, { family: this.#family, ...wish });
    for (const each of changed) {
      const distribution = each[when];
      if (distribution !== undefined) addService(part, distribution);
    }
    for (const address of touched) {
      addServerSide(part, this.#named(this.#at.get(address) ?? []), address);
    }
    return part;
  }

  #named(labels: readonly string[]): Distribution[] {
    return labels.flatMap((label) => this.#byLabel.get(label) ?? []);
  }

  #enter(changed: readonly Changed[]): void {
    for (const { was, is } of changed) {
      const label = (is ?? was)?.service.label ?? "";
      if (is === undefined) this.#byLabel.delete(label);
      else this.#byLabel.set(label, is);
      if (was !== undefined && is !== undefined && sameClaims(was, is)) continue;
      const then = was === undefined ? new Set<string>() : addressesOf(was);
      const now = is === undefined ? new Set<string>() : addressesOf(is);
      for (const address of then) if (!now.has(address)) this.#leave(address, label);
      for (const address of now) {
        if (then.has(address)) continue;
        const labels = this.#at.get(address);
        if (labels === undefined) this.#at.set(address, [label]);
        else labels.push(label);
      }
    }
  }

  #leave(address: string, label: string): void {
    const left = (this.#at.get(address) ?? []).filter((each) => each !== label);
    if (left.length === 0) this.#at.delete(address);
    else this.#at.set(address, left);
  }
}

const sameList = (a: Wish, b: Wish): boolean =>
  a.floatingIps === b.floatingIps || a.floatingIps.join() === b.floatingIps.join();

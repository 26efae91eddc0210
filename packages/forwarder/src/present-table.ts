// present-table.ts — what `nft list table` says, piece by piece: elements with their counts, rules, counters.
import { CONFIGURED, type SetName } from "./elements.js";

export interface Count {
  readonly packets: number;
  readonly bytes: number;
}

/** An element of a configured set as it was listed; `count` where the set has counters. */
export type OnElement = (set: SetName, key: string, value: string, count: Count | null) => void;

/** A table without the elements of its configured sets. */
export interface PresentTable {
  /** Named counters: `guarded`, `foreign`. */
  readonly named: ReadonlyMap<string, Count>;
  /** Names of the chains; one of them carries the version of the rules. */
  readonly chains: ReadonlySet<string>;
  /** The rules as nft lists them, without handles: equal texts mean equal rules. */
  readonly rules: string;
  /** Elements in the set of cut flows. */
  readonly cuts: number;
}

const isConfigured = (name: string): name is SetName =>
  (CONFIGURED as readonly string[]).includes(name);

const COUNTER = " counter packets ";
/** What an element has instead of a value, where it limits connections (elements.ts). */
const LIMIT = " ct count over ";
const BLOCK = /^(set|map|chain|counter) (\S+) \{$/;
const COUNT = /^packets (\d+) bytes (\d+)$/;

interface Block {
  readonly kind: string;
  readonly name: string;
  /** Of a configured set. */
  readonly set: SetName | null;
}

/** A reader of nft's listing of one table, or of single sets of it, fed with pieces of any size. */
export class TableListing {
  readonly #onElement: OnElement;
  readonly #named = new Map<string, Count>();
  readonly #chains = new Set<string>();
  readonly #rules: string[] = [];
  #cuts = 0;
  #rest = "";
  #tables = 0;
  #depth = 0;
  #block: Block | null = null;
  #inElements = false;

  constructor(onElement: OnElement) {
    this.#onElement = onElement;
  }

  push(piece: string): void {
    const text = this.#rest + piece;
    let at = 0;
    for (;;) {
      const next = this.#inElements ? this.#readElement(text, at) : this.#readLine(text, at);
      if (next === at) break;
      at = next;
    }
    this.#rest = text.slice(at);
  }

  /** Throws where what came is no whole listing. */
  end(): PresentTable {
    if (this.#tables === 0 || this.#depth !== 0 || this.#rest.trim() !== "") {
      throw new Error("nft's listing is not one, or not whole");
    }
    const rules = this.#rules.join("\n");
    return { named: this.#named, chains: this.#chains, rules, cuts: this.#cuts };
  }

  /** Answers where the next line begins; `from` where there is no whole one. */
  #readLine(text: string, from: number): number {
    const end = text.indexOf("\n", from);
    if (end < 0) return from;
    const open = text.indexOf("elements = {", from);
    if (open >= 0 && open < end && this.#block?.kind !== "chain") {
      this.#inElements = true;
      return open + "elements = {".length;
    }
    this.#takeLine(text.slice(from, end).trim());
    return end + 1;
  }

  #takeLine(line: string): void {
    if (line === "}") {
      this.#depth -= 1;
      this.#block = null;
    } else if (this.#depth === 0) {
      if (!line.startsWith("table ") || !line.endsWith("{")) return;
      this.#tables += 1;
      this.#depth = 1;
    } else if (this.#block === null) this.#openBlock(line);
    else if (this.#block.kind === "chain") this.#rules.push(`${this.#block.name} ${line}`);
    else if (this.#block.kind === "counter") {
      const [, packets, bytes] = COUNT.exec(line) ?? [];
      const count = { packets: Number(packets ?? 0), bytes: Number(bytes ?? 0) };
      this.#named.set(this.#block.name, count);
    }
  }

  #openBlock(line: string): void {
    const [, kind = "", name = ""] = BLOCK.exec(line) ?? [];
    if (kind === "") return;
    this.#depth += 1;
    this.#block = { kind, name, set: isConfigured(name) ? name : null };
    if (kind === "chain") this.#chains.add(name);
  }

  /** Answers where the next element begins; `from` where this one has no end yet. */
  #readElement(text: string, from: number): number {
    let end = from;
    for (; end < text.length; end += 1) {
      const code = text.charCodeAt(end);
      if (code === 44 || code === 125) break;
    }
    if (end === text.length) return from;
    const item = text.slice(from, end).trim();
    if (item !== "") this.#takeElement(item);
    if (text.charCodeAt(end) === 125) this.#inElements = false;
    return end + 1;
  }

  #takeElement(item: string): void {
    const set = this.#block?.set ?? null;
    if (set === null) {
      if (this.#block?.name === "cuts") this.#cuts += 1;
      return;
    }
    const split = item.lastIndexOf(" : ");
    const left = split < 0 ? item : item.slice(0, split);
    const value = split < 0 ? "" : item.slice(split + 3);
    const limit = left.indexOf(LIMIT);
    if (limit >= 0) {
      this.#onElement(set, left.slice(0, limit), left.slice(limit + 1), null);
      return;
    }
    const counter = left.indexOf(COUNTER);
    if (counter < 0) {
      this.#onElement(set, left, value, null);
      return;
    }
    const [packets, , bytes] = left.slice(counter + COUNTER.length).split(" ");
    const count = { packets: Number(packets), bytes: Number(bytes) };
    this.#onElement(set, left.slice(0, counter), value, count);
  }
}

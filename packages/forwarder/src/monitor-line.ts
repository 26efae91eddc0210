// monitor-line.ts — what a line of `nft monitor` says about our table.
import type { CountedElement } from "./counters.js";
import { CONFIGURED, type SetName } from "./elements.js";

export type MonitorLine =
  /** The transaction whose lines came before was made by this process. */
  | { readonly kind: "generation"; readonly pid: number }
  | { readonly kind: "table-deleted" }
  /** An element went, with what it had counted. */
  | { readonly kind: "element-removed"; readonly element: CountedElement }
  | { readonly kind: "touched" }
  /** The monitor's socket overflowed: something may have been missed. */
  | { readonly kind: "events-lost" };

const GENERATION = /^# new generation \d+ by process (\d+)/;
const REMOVED =
  /^delete element (\S+ \S+) (\w+) \{ (.+?) counter packets (\d+) bytes (\d+)(?: : (\S+))? \}$/;

/** Undefined where the line is about something else. `table` is e.g. `ip lbpair`. */
export function parseMonitorLine(line: string, table: string): MonitorLine | undefined {
  const generation = GENERATION.exec(line);
  if (generation !== null) return { kind: "generation", pid: Number(generation[1]) };
  if (line.includes("lost some netlink events")) return { kind: "events-lost" };
  if (line === `delete table ${table}`) return { kind: "table-deleted" };
  const removed = REMOVED.exec(line);
  if (removed !== null) {
    const [, of, set = "", key = "", packets, bytes, value = ""] = removed;
    if (of !== table || !(CONFIGURED as readonly string[]).includes(set)) return undefined;
    const element = {
      set: set as SetName,
      key,
      value,
      packets: Number(packets),
      bytes: Number(bytes),
    };
    return { kind: "element-removed", element };
  }
  return ` ${line} `.includes(` ${table} `) ? { kind: "touched" } : undefined;
}

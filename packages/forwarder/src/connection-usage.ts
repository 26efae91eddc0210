// connection-usage.ts — how full the kernel's connection table is, and what it could not take; told before it is full.
import { readFile } from "node:fs/promises";
import type { ConnectionTableStatus, EventLog } from "@lbpair/common";

/** From this share on an alarm is raised; below the second it is over. */
const FULL = 0.9;
const FULL_OVER = 0.8;

const PLACES = {
  count: "/proc/sys/net/netfilter/nf_conntrack_count",
  max: "/proc/sys/net/netfilter/nf_conntrack_max",
  stat: "/proc/net/stat/nf_conntrack",
} as const;

/** Sums of columns over all processors; the numbers are hexadecimal. */
export function sumColumns(text: string, names: readonly string[]): number[] {
  const [head = "", ...rows] = text.trim().split("\n");
  const columns = head.trim().split(/\s+/);
  return names.map((name) => {
    const at = columns.indexOf(name);
    if (at === -1) return 0;
    return rows.reduce(
      (sum, row) => sum + (Number.parseInt(row.trim().split(/\s+/)[at] ?? "", 16) || 0),
      0,
    );
  });
}

async function readUsage(): Promise<ConnectionTableStatus | null> {
  try {
    const [count, max, stat] = await Promise.all(
      [PLACES.count, PLACES.max, PLACES.stat].map((path) => readFile(path, "utf8")),
    );
    const [dropped = 0, early = 0] = sumColumns(stat ?? "", ["drop", "early_drop"]);
    return { entries: Number(count), max: Number(max), dropped, droppedEarly: early };
  } catch {
    // Without the module there is no table, and nothing to say of it.
    return null;
  }
}

export interface UsageWatch {
  /** At the last look; null where there is no table. */
  readonly usage: ConnectionTableStatus | null;
  look(): Promise<void>;
}

/** Drops are counted from its first look on: what went before was somebody else's trouble. */
export function createUsageWatch(event: EventLog["record"], read = readUsage): UsageWatch {
  let usage: ConnectionTableStatus | null = null;
  let full = false;
  return {
    get usage() {
      return usage;
    },
    async look() {
      const before = usage;
      usage = await read();
      if (usage === null || usage.max === 0) return;
      const { entries, max } = usage;
      const share = Math.round((entries / max) * 100);
      const facts = { ...usage };
      if (!full && entries >= max * FULL) {
        full = true;
        const text = `the connection table is ${share} % full: ${entries} of ${max} entries (kernel.connectionTableSize)`;
        event("alarm", "connection-table-full", text, facts);
      } else if (full && entries < max * FULL_OVER) {
        full = false;
        event(
          "info",
          "connection-table-has-room",
          `the connection table is ${share} % full`,
          facts,
        );
      }
      const lost = before === null ? 0 : usage.dropped - before.dropped;
      if (lost > 0) {
        const text = `${lost} packets were dropped: the connection table had no room for them`;
        event("alarm", "connection-table-drops", text, facts);
      }
    },
  };
}

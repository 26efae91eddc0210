// totals-file.ts — adapter: counts of elements that are gone, kept across restarts of the daemon.
import { readFile } from "node:fs/promises";
import { replaceFile } from "@lbpair/common";
import type { Total, Totals } from "./counters.js";

const isTotal = (value: unknown): value is Total =>
  typeof value === "object" &&
  value !== null &&
  ["connections", "packets", "bytes"].every((key) =>
    Number.isFinite((value as Record<string, unknown>)[key]),
  );

/** What was kept; nothing where the file is missing or spoilt, since counts are no configuration. */
export async function readTotals(file: string): Promise<Totals> {
  try {
    const content = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    return new Map(
      Object.entries(content).filter((entry): entry is [string, Total] => isTotal(entry[1])),
    );
  } catch {
    return new Map();
  }
}

export const writeTotals = (file: string, totals: Totals): Promise<void> =>
  replaceFile(file, `${JSON.stringify(Object.fromEntries(totals))}\n`);

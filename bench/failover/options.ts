// options.ts — what the command line asks for, checked before anything is started.
import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly only: readonly string[] | undefined;
  readonly products: readonly string[] | undefined;
  readonly rounds: number | undefined;
  /** Minutes of each half of the hold; undefined = not asked for. */
  readonly holdMinutes: number | undefined;
  /** Whether docs/benchmarks is written. */
  readonly write: boolean;
  readonly help: boolean;
}

export class OptionError extends Error {}

const list = (text: string | undefined, allowed: readonly string[], what: string) => {
  if (text === undefined) return undefined;
  const words = text.split(",").filter((word) => word !== "");
  const foreign = words.filter((word) => !allowed.includes(word));
  if (words.length === 0 || foreign.length > 0) {
    throw new OptionError(`${what}: want some of ${allowed.join(",")}, got ${text}`);
  }
  return words;
};

const whole = (text: string | undefined, what: string): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text)) {
    throw new OptionError(`${what}: want a whole number from 1 to 9999, got ${text}`);
  }
  return Number(text);
};

export function readOptions(
  argv: readonly string[],
  scenarios: readonly string[],
  products: readonly string[],
): BenchOptions {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        only: { type: "string" },
        products: { type: "string" },
        rounds: { type: "string" },
        hold: { type: "boolean" },
        minutes: { type: "string" },
        write: { type: "boolean" },
        help: { type: "boolean" },
      },
    }));
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error));
  }
  const text = (name: string) => (typeof values[name] === "string" ? values[name] : undefined);
  const only = list(text("only"), scenarios, "--only");
  const chosen = list(text("products"), products, "--products");
  const rounds = whole(text("rounds"), "--rounds");
  const minutes = whole(text("minutes"), "--minutes");
  return {
    only,
    products: chosen,
    rounds,
    holdMinutes: values.hold === true ? (minutes ?? 10) : undefined,
    // Part of the table would replace the whole one.
    write:
      values.write === true || (only === undefined && chosen === undefined && rounds === undefined),
    help: values.help === true,
  };
}

export const usage = (scenarios: readonly string[], products: readonly string[]): string =>
  [
    "npm run bench:failover -- [options]",
    "",
    `  --only LIST       scenarios: ${scenarios.join(",")}`,
    `  --products LIST   products: ${products.join(",")}`,
    "  --rounds N        rounds of each, instead of the full run's",
    "  --write           write docs/benchmarks/failover.md and .svg even from part of a run",
    "  --hold            instead: the fast profile idle, then beside busy loops (npm run bench:hold)",
    "  --minutes N       of each half of the hold; 10 unless told otherwise",
    "",
    "Exit code 1 where a target of lbpair's is missed.",
  ].join("\n");

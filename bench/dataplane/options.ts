// options.ts — what the command line asks for.
import { parseArgs } from "node:util";
import { LOADS } from "./loads.js";

/** Besides the loads. */
export const PARTS = [...LOADS.map(({ name }) => name), "scale", "times"] as const;

export interface Options {
  readonly parts: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  /** Parts that an earlier run measured are kept, and the document is written of all. */
  readonly merge: boolean;
  readonly write: boolean;
  readonly help: boolean;
}

export const ROUNDS = 20;

export class OptionError extends Error {}

const whole = (text: string, what: string, most: number): number => {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most) return Number(text);
  throw new OptionError(`--${what}: want a whole number from 1 to ${most}, got ${text}`);
};

export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: "string" },
      rounds: { type: "string", default: `${ROUNDS}` },
      seconds: { type: "string", default: "1" },
      merge: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const parts = values.only?.split(",") ?? [...PARTS];
  const foreign = parts.filter((part) => !PARTS.includes(part));
  if (foreign.length > 0) {
    throw new OptionError(`--only: want some of ${PARTS.join(",")}, got ${foreign.join()}`);
  }
  const rounds = whole(values.rounds, "rounds", 1000);
  return {
    ...{ parts, rounds, merge: values.merge, help: values.help },
    seconds: whole(values.seconds, "seconds", 60),
    write: values.write || (values.only === undefined && rounds >= ROUNDS),
  };
}

export const usage = (): string =>
  [
    "npm run bench:dataplane -- [options]",
    "",
    `  --only LIST    parts: ${PARTS.join(",")}`,
    `  --rounds N     interleaved rounds of each load; ${ROUNDS} unless told otherwise`,
    "  --seconds N    of each turn; 1 unless told otherwise",
    "  --merge        keep what earlier runs measured of other parts",
    "  --write        write docs/benchmarks/dataplane.md and .svg even from part of a run",
    "",
    "Exit code 1 where a target is missed.",
  ].join("\n");

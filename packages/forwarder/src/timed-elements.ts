// timed-elements.ts — elements of a map that go by themselves after a time: read, and brought to others.
import type { Family } from "@lbpair/common";
import { elementStatements } from "./elements.js";

/** An element as the kernel holds it: its value, and seconds until it goes by itself. */
export interface TimedElement {
  readonly value: string;
  readonly seconds: number;
}

/** By key, in nftables' own notation. */
export type TimedElements = ReadonlyMap<string, TimedElement>;

/**
 * Statements that bring a map from present to wanted. An element that lives less than half as long as
 * it should is made anew: re-adding does not extend it before Linux 6.12.
 */
export function timedText(
  family: Family,
  map: "pins" | "persist",
  wanted: TimedElements,
  present: TimedElements,
): string {
  const stays = (key: string): boolean => {
    const [is, was] = [wanted.get(key), present.get(key)];
    return is !== undefined && was?.value === is.value && was.seconds * 2 >= is.seconds;
  };
  const gone = [...present.keys()].filter((key) => !stays(key));
  const come = [...wanted]
    .filter(([key]) => !stays(key))
    .map(([key, { value, seconds }]) => `${key} timeout ${Math.ceil(seconds)}s : ${value}`);
  return [
    ...elementStatements("delete", family, map, gone),
    ...elementStatements("add", family, map, come),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

// script-ports.ts — what a script says of single ports, in lines of their own: `port 12100 ok`, `port 12800 no answer`.
import type { PortsSeen } from "@lbpair/common";
import { firstLine } from "./reason-line.js";

const LINE = /^port (\d{1,5}) (\S.*)$/;

/** Undefined where it says nothing of any port. */
export function portsInOutput(output: string): PortsSeen | undefined {
  const said = new Map<number, string>();
  for (const text of output.split("\n")) {
    const [, port, what] = LINE.exec(text.trimEnd()) ?? [];
    if (port !== undefined && what !== undefined) said.set(Number(port), firstLine(what));
  }
  if (said.size === 0) return undefined;
  const closed = [...said]
    .filter(([, what]) => what !== "ok")
    .sort(([a], [b]) => a - b)
    .map(([port, what]) => ({ port, what }));
  return { total: said.size, closed };
}

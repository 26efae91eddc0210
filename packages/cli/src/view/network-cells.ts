// network-cells.ts — what the floating IPs' networks say: who has learnt a take over, who answers for a silent peer.
import { describeDuration, type HeartbeatStatus } from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { type Line, line, span } from "../render/text.js";

/** Neighbours named; the rest is counted. */
const NAMED_MAX = 3;

const some = (names: readonly string[]): string => {
  const distinct = [...new Set(names)];
  const more = distinct.length - NAMED_MAX;
  return `${distinct.slice(0, NAMED_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
};

/** Nothing on a node that has not taken over lately. */
export function neighboursCell({ neighbours }: HeartbeatStatus, glyphs: Glyphs): Line[] {
  if (neighbours.length === 0) return [];
  const of = (state: HeartbeatStatus["neighbours"][number]["state"]) =>
    neighbours.filter((one) => one.state === state);
  const learnt = of("learnt");
  const last = Math.max(...learnt.map(({ afterMs }) => afterMs ?? 0));
  const within = learnt.length === 0 ? "" : ` within ${describeDuration(Math.ceil(last))}`;
  const lines = [line(`${learnt.length} of ${neighbours.length} know${within}`)];
  const pending = of("pending").map(({ neighbour }) => neighbour);
  if (pending.length > 0) {
    lines.push(line(span(`${glyphs.some} not learnt: ${some(pending)}`, "yellow")));
  }
  const silent = of("silent").map(({ neighbour }) => neighbour);
  if (silent.length > 0) lines.push(line(span(`no echo from ${some(silent)}`, "dim")));
  return lines;
}

/** Nothing while the peer is heard and every network has a carrier. */
export function witnessCell({ witness }: HeartbeatStatus, glyphs: Glyphs): Line[] {
  return witness.flatMap(({ link, carrier, answeredBy }): Line[] => {
    if (!carrier) return [line(span(`${glyphs.bad} ${link} has no carrier`, "red"))];
    if (answeredBy === null) return [];
    const colour = answeredBy === "nobody" ? "plain" : "yellow";
    return [line(`${link}: floating IPs answered by `, span(answeredBy, colour))];
  });
}

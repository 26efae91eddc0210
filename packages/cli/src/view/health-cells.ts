// health-cells.ts — how well a node is: each heartbeat path, its faults, and how often health moved the role.
import { describeDuration, type HeartbeatStatus, type PathStatus } from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { showMillis } from "../render/numbers.js";
import { type Line, line, type Span, span } from "../render/text.js";

/** Less than this is not worth a place on the screen. */
const LOSS_SHOWN_PERCENT = 1;

/** "0.40 ms, loss 12 % in, 3 % out": what a path does to adverts; without a round trip, its age. */
function pathQuality(path: PathStatus, age: string): Span[] {
  const trip = span(` ${path.rttMs === null ? age : showMillis(path.rttMs)}`, "dim");
  const [lost, peerLost] = [path.lossPercent ?? 0, path.peerLossPercent ?? 0].map(Math.round);
  const losses = [
    ...((lost ?? 0) >= LOSS_SHOWN_PERCENT ? [`${lost} % in`] : []),
    ...((peerLost ?? 0) >= LOSS_SHOWN_PERCENT ? [`${peerLost} % out`] : []),
  ];
  return losses.length === 0 ? [trip] : [trip, span(`, loss ${losses.join(", ")}`, "yellow")];
}

export function pathCell(path: PathStatus | undefined, glyphs: Glyphs): Line[] {
  if (path === undefined) return [];
  const age = path.heardAgeMs === null ? "never heard" : `${describeDuration(path.heardAgeMs)} ago`;
  const to = `${path.local} ${glyphs.arrow} ${path.peer}`;
  switch (path.state) {
    case "hearing":
      return [line(span(glyphs.on, "green"), ` ${to}`, ...pathQuality(path, age))];
    case "late":
      return [line(span(glyphs.some, "yellow"), ` ${to} `, span(`late, ${age}`, "yellow"))];
    case "one-way":
      return [line(span(glyphs.some, "yellow"), ` ${to} `, span("one way: only in", "yellow"))];
    case "silent": {
      const since =
        path.heardAgeMs === null ? "never heard" : `silent ${describeDuration(path.heardAgeMs)}`;
      const other = path.heardByPeer === true ? ", only out" : "";
      return [line(span(glyphs.bad, "red"), ` ${to} `, span(`${since}${other}`, "red"))];
    }
    case "unbound":
      return [line(span(glyphs.bad, "red"), ` ${to} `, span("no such address here", "red"))];
    default:
      return path.state satisfies never;
  }
}

/** This node's health in words: every fault, and how often health has moved the role. */
export function healthCell(heartbeat: HeartbeatStatus, glyphs: Glyphs): Line[] {
  const { faultReasons, flaps, pingNodes } = heartbeat;
  const answering = pingNodes.filter(({ answers }) => answers === true).length;
  const lines = faultReasons.map((reason) => line(span(`${glyphs.bad} ${reason}`, "red")));
  if (lines.length === 0) {
    const pings =
      pingNodes.length === 0 ? "" : `, ${answering} of ${pingNodes.length} ping nodes answer`;
    lines.push(line(span(`${glyphs.on} well`, "green"), span(pings, "dim")));
  }
  if (flaps.heldForMs !== null) {
    const left = describeDuration(flaps.heldForMs);
    lines.push(line(span(`${glyphs.some} flapping, held for ${left}`, "yellow")));
  } else if (flaps.moves > 0) {
    lines.push(line(span(`moved by health ${flaps.moves} of ${flaps.limit} times`, "dim")));
  }
  return lines;
}

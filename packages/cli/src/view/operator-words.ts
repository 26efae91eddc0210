// operator-words.ts — who set a server's mode and why, how far a drain has come, and what follows.
import { describeDuration, type ServerStatus } from "@lbpair/common";
import { showCount } from "../render/numbers.js";

const soon = (ms: number): string => (ms <= 0 ? "now" : `in ${describeDuration(ms)}`);

/** "7 of 34 connections still open": only of a drain. */
function progress({ mode, openConnections, operator }: ServerStatus): string[] {
  if (mode !== "drain") return [];
  const most = Math.max(operator?.openAtFirst ?? 0, openConnections);
  if (most === 0) return ["no connection open"];
  if (openConnections === 0) return [`all ${showCount(most)} connections have ended`];
  return [`${showCount(openConnections)} of ${showCount(most)} connections still open`];
}

/** "7 of 34 connections still open, halted once empty or in 72 min, online again in 3 h 10 min" */
function course(server: ServerStatus): string[] {
  const { operator } = server;
  if (operator === undefined) return progress(server);
  const { haltWhenEmpty, haltInMs, endsInMs } = operator;
  const halts = [
    ...(haltWhenEmpty ? ["once empty"] : []),
    ...(haltInMs === null ? [] : [soon(haltInMs)]),
  ];
  return [
    ...progress(server),
    ...(halts.length === 0 ? [] : [`halted ${halts.join(" or ")}`]),
    ...(endsInMs === null ? [] : [`online again ${soon(endsInMs)}`]),
  ];
}

/** Everything an operator's mode has to tell; "" where the server is online. */
export function operatorWords(server: ServerStatus): string {
  if (server.mode === "online") return "";
  const { by = null, reason = null, sinceAgeMs = null } = server.operator ?? {};
  const who = [
    ...(by === null ? [] : [`by ${by}`]),
    ...(sinceAgeMs === null ? [] : [`for ${describeDuration(sinceAgeMs)}`]),
  ].join(" ");
  const why = reason === null ? [] : [`"${reason}"`];
  return [...(who === "" ? [] : [who]), ...why, ...course(server)].join(", ");
}

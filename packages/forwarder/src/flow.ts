// flow.ts — an entry of the connection table as a client's connection to a server.
import type { Protocol } from "./server-plan.js";

/**
 * One connection. An entry that began with the client's packet reads client → VIP, server → client;
 * one picked up from the server's packet after a failover reads server → client, client → VIP.
 */
export interface Flow {
  readonly protocol: Protocol;
  readonly client: string;
  readonly clientPort: number;
  readonly vip: string;
  readonly vipPort: number;
  readonly server: string;
  readonly serverPort: number;
  readonly begunBy: "client" | "server";
  /** TCP's state as conntrack names it; "" for UDP. */
  readonly state: string;
  /** Seconds of silence after which the kernel forgets it. */
  readonly secondsLeft: number;
}

interface Tuple {
  readonly src: string;
  readonly dst: string;
  readonly sport: number;
  readonly dport: number;
}

const TUPLE = /src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g;

function tuples(line: string): [Tuple, Tuple] | undefined {
  const found = [...line.matchAll(TUPLE)].map((match) => ({
    src: match[1] ?? "",
    dst: match[2] ?? "",
    sport: Number(match[3]),
    dport: Number(match[4]),
  }));
  const [original, reply] = found;
  return original === undefined || reply === undefined ? undefined : [original, reply];
}

/**
 * A line of `conntrack -L`; undefined where it is neither TCP nor UDP, or where neither side of it
 * goes to an address of `vips`.
 */
export function parseFlow(line: string, vips: ReadonlySet<string>): Flow | undefined {
  const protocol = line.startsWith("tcp") ? "tcp" : line.startsWith("udp") ? "udp" : undefined;
  if (protocol === undefined) return undefined;
  const pair = tuples(line);
  if (pair === undefined) return undefined;
  const [original, reply] = pair;
  const [, seconds = "0", state = ""] =
    /^\w+\s+\d+\s+(?:(\d+)\s+)?([A-Z_0-9]+(?= ))?/.exec(line) ?? [];
  const secondsLeft = Number(seconds);
  if (vips.has(original.dst)) {
    return {
      protocol,
      client: original.src,
      clientPort: original.sport,
      vip: original.dst,
      vipPort: original.dport,
      server: reply.src,
      serverPort: reply.sport,
      begunBy: "client",
      state,
      secondsLeft,
    };
  }
  if (vips.has(reply.dst)) {
    return {
      protocol,
      client: reply.src,
      clientPort: reply.sport,
      vip: reply.dst,
      vipPort: reply.dport,
      server: original.src,
      serverPort: original.sport,
      begunBy: "server",
      state,
      secondsLeft,
    };
  }
  return undefined;
}

const OPEN_STATES: ReadonlySet<string> = new Set([
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
]);

/** Whether the connection still carries data either way, or may. */
export const isOpen = (flow: Flow): boolean =>
  flow.protocol === "udp" || OPEN_STATES.has(flow.state);

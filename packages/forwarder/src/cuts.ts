// cuts.ts — which live connections have to end, and how their two ends are told.
//
// TCP flows of a server that was halted or removed enter the table's set `cuts`: the next packet of
// either end is answered with a reset (rules.ts). Ends that say nothing are made to speak: a SYN
// inside an open connection draws a challenge ACK (RFC 5961, section 4), and that ACK draws the exact
// reset. UDP has neither: its entries are deleted, and the client's next packet finds the new server.
import type { Family } from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import type { Flow } from "./flow.js";
import { type OwnedFlow, ownFlows } from "./flow-owner.js";
import type { Segment } from "./ip-packet.js";
import { CUTS_MAX, tableName } from "./rules.js";
import { belongs } from "./server-plan.js";

export interface StrayFlows {
  /** TCP flows to be cut. */
  readonly tcp: readonly Flow[];
  /** TCP flows that nobody has yet, or has any more: only their entries have to go. */
  readonly silent: readonly Flow[];
  /** UDP flows whose entries have to go. */
  readonly udp: readonly Flow[];
}

/**
 * States in which no two ends hold a connection. To cut those would spend the room that open ones need (a
 * busy server leaves two minutes of TIME_WAIT behind), and provoke whoever uses the port again.
 */
const SILENT_STATES: ReadonlySet<string> = new Set(["SYN_SENT", "TIME_WAIT", "CLOSE"]);

/** Whether the flow's server is still the service's, by configuration and mode. */
const serverLeft = ({ server }: OwnedFlow): boolean => server === undefined || !belongs(server);

/** Whether it is of a fallback server that the service has left again, and is to end then. */
const hasReturned = ({ server, distribution: { service, pool } }: OwnedFlow): boolean =>
  service.onReturn === "cut" &&
  server?.role === "fallback" &&
  pool.serving.some(({ role }) => role === "real");

/**
 * A UDP client that never pauses would keep a dead server for ever. A drained one keeps what it has;
 * with weight 0 it is drained too.
 */
function udpIsStray(owned: OwnedFlow): boolean {
  const { server, distribution } = owned;
  if (serverLeft(owned) || server === undefined) return true;
  if (distribution.pool.serving.includes(server)) return false;
  const drained = server.mode === "drain" || (server.role === "real" && server.weight === 0);
  return !drained;
}

/**
 * Judges by what is, not by what changed: a halt that came while no daemon lived is found at its
 * start. `former` says whether a service was there before the change, so that flows of a removed
 * service end too, and another program's flows through a floating IP never do.
 */
export function findStrays(
  flows: readonly Flow[],
  distributions: readonly Distribution[],
  former: (flow: Flow) => boolean,
): StrayFlows {
  const owned = ownFlows(flows, distributions);
  const known = new Set(owned.map((each) => each.flow));
  const strays = owned.filter((each) =>
    each.flow.protocol === "tcp" ? serverLeft(each) || hasReturned(each) : udpIsStray(each),
  );
  const all = [
    ...strays.map((each) => each.flow),
    ...flows.filter((flow) => !known.has(flow) && former(flow)),
  ];
  const tcp = all.filter((flow) => flow.protocol === "tcp");
  return {
    tcp: tcp.filter((flow) => !SILENT_STATES.has(flow.state)),
    silent: tcp.filter((flow) => SILENT_STATES.has(flow.state)),
    udp: all.filter((flow) => flow.protocol === "udp"),
  };
}

/** Most flows that one change cuts at once; two elements each, and the next change finds room. */
export const FLOWS_CUT_MAX = CUTS_MAX / 4;

const ELEMENTS_PER_LINE = 500;

/** Statements that put both directions of each flow into the set. Adding twice does no harm. */
export function cutsText(family: Family, flows: readonly Flow[]): string {
  const keys = new Set(
    flows.flatMap((flow) => [
      `${flow.client} . ${flow.clientPort} . ${flow.vip} . ${flow.vipPort}`,
      `${flow.server} . ${flow.serverPort} . ${flow.client} . ${flow.clientPort}`,
    ]),
  );
  const items = [...keys];
  const lines: string[] = [];
  for (let i = 0; i < items.length; i += ELEMENTS_PER_LINE) {
    const part = items.slice(i, i + ELEMENTS_PER_LINE).join(", ");
    lines.push(`add element ${tableName(family)} cuts { ${part} }\n`);
  }
  return lines.join("");
}

/** The SYNs that make both silent ends speak. The numbers may be anything: the flag provokes. */
export function provocations(flow: Flow, sequence: number): readonly Segment[] {
  return [
    {
      source: flow.vip,
      sourcePort: flow.vipPort,
      destination: flow.client,
      destinationPort: flow.clientPort,
      sequence,
    },
    {
      source: flow.client,
      sourcePort: flow.clientPort,
      destination: flow.server,
      destinationPort: flow.serverPort,
      sequence: sequence ^ 0x5a5a5a5a,
    },
  ];
}

/** Each server and VIP that the flows run between, once. */
export function serverPairs(
  flows: readonly Flow[],
): readonly { readonly server: string; readonly vip: string; readonly flows: number }[] {
  const pairs = new Map<string, { server: string; vip: string; flows: number }>();
  for (const { server, vip } of flows) {
    const pair = pairs.get(`${server} ${vip}`);
    if (pair === undefined) pairs.set(`${server} ${vip}`, { server, vip, flows: 1 });
    else pair.flows += 1;
  }
  return [...pairs.values()];
}

/** What to delete from the connection table at once; without ports, everything of server and VIP. */
export interface Deletion {
  readonly server: string;
  readonly vip: string;
  readonly protocol: Flow["protocol"];
  readonly ports?: { readonly vipPort: number; readonly serverPort: number };
}

/**
 * The deletions that end `ended` and none of the other flows in `all`: another service may share VIP
 * and server, and its flows to a drained server would not find it again without their entries.
 */
export function deletionsOf(ended: readonly Flow[], all: readonly Flow[]): Deletion[] {
  const pairOf = (flow: Flow): string => `${flow.protocol} ${flow.server} ${flow.vip}`;
  const ends = new Set(ended);
  const shared = new Set(all.filter((flow) => !ends.has(flow)).map(pairOf));
  const deletions = new Map<string, Deletion>();
  for (const flow of ended) {
    const { server, vip, protocol, vipPort, serverPort } = flow;
    const pair = pairOf(flow);
    if (!shared.has(pair)) deletions.set(pair, { server, vip, protocol });
    else {
      const ports = { vipPort, serverPort };
      deletions.set(`${pair} ${vipPort} ${serverPort}`, { server, vip, protocol, ports });
    }
  }
  return [...deletions.values()];
}

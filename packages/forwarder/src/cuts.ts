// cuts.ts — which open connections end when servers change, and how their two ends are told.
//
// A halted or removed server's TCP flows enter the table's set `cuts`: the next packet of either end
// is answered with a reset (rules.ts). Ends that say nothing are made to speak: a SYN inside an open
// connection draws a challenge ACK (RFC 5961, section 4), and that ACK draws the exact reset.
// UDP has neither: its entries are deleted, and the client's next packet finds the new server.
import type { Family } from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import type { Flow } from "./flow.js";
import type { Segment } from "./ip-packet.js";
import { CUTS_MAX, tableName } from "./rules.js";
import type { PlannedServer } from "./server-plan.js";
import { belongs } from "./wanted-elements.js";

/** Connections of one server of one service that have to end. */
export interface Ended {
  readonly service: string;
  readonly vip: string;
  readonly server: PlannedServer;
  /** TCP flows are cut only where the server left for good; UDP entries go in either case. */
  readonly cutsTcp: boolean;
  readonly reason: string;
}

const key = (vip: string, server: PlannedServer): string => `${vip} ${server.address}:${server.port}`;

function memberships(
  distributions: readonly Distribution[],
): Map<string, { readonly service: string; readonly vip: string; readonly server: PlannedServer }> {
  return new Map(
    distributions.flatMap(({ service }) =>
      service.servers
        .filter(belongs)
        .map((server) => [
          `${service.label} ${key(service.address, server)}`,
          { service: service.label, vip: service.address, server },
        ]),
    ),
  );
}

const servingKeys = ({ service, pool }: Distribution): Map<string, PlannedServer> =>
  new Map(pool.serving.map((server) => [key(service.address, server), server]));

/**
 * What a change ends: TCP and UDP of servers that were halted or removed, UDP of those that stopped
 * serving because a check or the return of a real server said so. A drained server keeps all it has.
 */
export function endedBy(
  before: readonly Distribution[],
  after: readonly Distribution[],
): Ended[] {
  const ended: Ended[] = [];
  const left = memberships(after);
  for (const [id, { service, vip, server }] of memberships(before)) {
    if (left.has(id)) continue;
    const now = after
      .find((each) => each.service.label === service)
      ?.service.servers.find((each) => each.id === server.id);
    const reason = now?.mode === "halt" ? "halted" : "removed";
    ended.push({ service, vip, server, cutsTcp: true, reason });
  }
  for (const was of before) {
    const is = after.find((each) => each.service.label === was.service.label);
    if (is === undefined) continue;
    const serving = servingKeys(is);
    for (const [id, server] of servingKeys(was)) {
      const now = is.service.servers.find((each) => key(is.service.address, each) === id);
      if (serving.has(id) || now === undefined || now.mode !== "online") continue;
      if (now.role === "real" && now.weight === 0) continue;
      const reason = server.role === "fallback" ? "real servers are back" : "unhealthy";
      const { label, address } = was.service;
      ended.push({ service: label, vip: address, server, cutsTcp: false, reason });
    }
  }
  return ended;
}

/** Flows of one service's server, among those of its address. */
export function flowsOf(ended: Ended, before: readonly Distribution[], flows: readonly Flow[]): Flow[] {
  const service = before.find((each) => each.service.label === ended.service)?.service;
  if (service === undefined) return [];
  const ports = new Set(service.ports);
  const protocols: readonly string[] = service.protocols;
  return flows.filter(
    (flow) =>
      flow.vip === ended.vip &&
      ports.has(flow.vipPort) &&
      protocols.includes(flow.protocol) &&
      flow.server === ended.server.address &&
      (ended.server.port === 0 || ended.server.port === flow.serverPort),
  );
}

/** Most flows that one change cuts; each takes two elements, and half the set is left for the next. */
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

/** The SYNs that make both silent ends speak. Numbers may be anything: it is the flag that provokes. */
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

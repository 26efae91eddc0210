// connections-order.ts — the open connections that a person asks for, counted, listed, or cut.
import {
  type Condition,
  type ConnectionAnswer,
  type ConnectionsAnswer,
  normalAddress,
  type Problem,
  RefusalError,
  showValue,
} from "@lbpair/common";
import type { Flow } from "./flow.js";
import { isOpen } from "./flow.js";
import { type OwnedFlow, ownFlows } from "./flow-owner.js";
import type { Works } from "./works.js";

/** Connections told one by one in one answer; all are counted. */
export const CONNECTIONS_TOLD_MAX = 10_000;
/** Clients told by their number of connections. */
const CLIENTS_TOLD = 10;

export interface ConnectionFilter {
  readonly service?: string;
  /** Label in its service. */
  readonly server?: string;
  readonly client?: string;
  /** The port that the client used. */
  readonly port?: number;
  readonly limit: number;
}

export function readFilter(body: unknown): ConnectionFilter {
  const raw = (body ?? {}) as Readonly<Record<string, unknown>>;
  const problems: Problem[] = [];
  const refuse = (path: string, want: string): undefined => {
    problems.push({ code: "wrong-value", path, want, got: showValue(raw[path]) });
    return undefined;
  };
  const text = (key: "service" | "server"): string | undefined => {
    const value = raw[key];
    if (value === undefined || typeof value === "string") return value;
    return refuse(key, "a label");
  };
  const whole = (key: "port" | "limit", most: number): number | undefined => {
    const value = raw[key];
    if (value === undefined) return undefined;
    const fits = Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most;
    return fits ? Number(value) : refuse(key, `a whole number, 0-${most}`);
  };
  const [service, server, port] = [text("service"), text("server"), whole("port", 65_535)];
  const limit = whole("limit", CONNECTIONS_TOLD_MAX) ?? 50;
  const client =
    raw.client === undefined
      ? undefined
      : (normalAddress(String(raw.client)) ?? refuse("client", "an IP address"));
  if (server !== undefined && service === undefined) refuse("service", "the server's service");
  if (problems.length > 0) throw new RefusalError(400, "the request is malformed", problems);
  return {
    limit,
    ...(service === undefined ? {} : { service }),
    ...(server === undefined ? {} : { server }),
    ...(client === undefined ? {} : { client }),
    ...(port === undefined ? {} : { port }),
  };
}

export function matches(
  { flow, distribution, server }: OwnedFlow,
  filter: ConnectionFilter,
): boolean {
  return (
    (filter.service === undefined || distribution.service.label === filter.service) &&
    (filter.server === undefined || server?.label === filter.server) &&
    (filter.client === undefined || flow.client === filter.client) &&
    (filter.port === undefined || flow.vipPort === filter.port)
  );
}

const described = ({ flow, distribution, server }: OwnedFlow): ConnectionAnswer => ({
  service: distribution.service.label,
  server: server?.label ?? null,
  protocol: flow.protocol,
  client: flow.client,
  clientPort: flow.clientPort,
  vipPort: flow.vipPort,
  address: flow.server,
  serverPort: flow.serverPort,
  state: flow.state,
  secondsLeft: flow.secondsLeft,
});

/** Most first. */
function tally<T>(items: readonly T[], keyOf: (item: T) => string): [string, number][] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}

const mustWork = (works: Works | null): Works => {
  if (works === null) throw new RefusalError(409, "no configuration is in force here");
  return works;
};

/** `{service?, server?, client?, port?, limit?}` */
export async function listConnections(
  body: unknown,
  works: Works | null,
  condition: Condition,
): Promise<ConnectionsAnswer> {
  const filter = readFilter(body);
  const { snapshots, plane } = mustWork(works);
  const { flows } = await snapshots.read();
  const owned = ownFlows(flows.filter(isOpen), plane.wish?.distributions ?? []).filter((each) =>
    matches(each, filter),
  );
  const named = ({ distribution, server }: OwnedFlow): string =>
    `${distribution.service.label}/${server?.label ?? "(left)"}`;
  return {
    condition,
    total: owned.length,
    servers: tally(owned, named).map(([id, open]) => ({ id, open })),
    clients: tally(owned, ({ flow }) => flow.client)
      .slice(0, CLIENTS_TOLD)
      .map(([address, open]) => ({ address, open })),
    connections: owned.slice(0, filter.limit).map(described),
  };
}

/** The same filter, of which something has to be given: cutting all of them is no slip's work. */
export async function cutConnections(
  body: unknown,
  works: Works | null,
): Promise<{ readonly cut: number }> {
  const filter = readFilter(body);
  const { service, client, port } = filter;
  if (service === undefined && client === undefined && port === undefined) {
    throw new RefusalError(
      400,
      "want a service, a server, a client or a port to cut connections of",
    );
  }
  const { plane } = mustWork(works);
  const chosen = (flows: readonly Flow[]): readonly Flow[] =>
    ownFlows(flows, plane.wish?.distributions ?? [])
      .filter((each) => matches(each, filter))
      .map((each) => each.flow);
  const perClient = client !== undefined;
  return { cut: await plane.connections.cut({ perClient, pick: chosen }) };
}

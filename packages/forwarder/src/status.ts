// status.ts — what the forwarder says of itself, put together from what is in force and what is counted.
import type { CoverageByRule, Health, ServerStatus, ServiceStatus } from "@lbpair/common";
import { formatPorts } from "@lbpair/common";
import { isLimited } from "./connection-limits.js";
import { NO_TOTAL, type Totals } from "./counters.js";
import type { Distribution, FullOf } from "./distribution.js";
import { type Flow, isOpen } from "./flow.js";
import { isCovered, type OwnedFlow, ownFlows } from "./flow-owner.js";
import type { ServerVerdict } from "./health/types.js";
import type { PlannedServer } from "./server-plan.js";
import type { TimedElements } from "./timed-elements.js";

export interface StatusInput {
  readonly distributions: readonly Distribution[];
  readonly coverage: readonly CoverageByRule[];
  readonly verdicts: ReadonlyMap<string, ServerVerdict>;
  /** The verdict in force for a server, which may be the active node's. */
  readonly healthOf: (id: string) => Health;
  readonly totals: Totals;
  readonly flows: readonly Flow[];
  /** The server that the peer holds a pin of for a flow. */
  readonly pinnedServer: (flow: Flow) => string | undefined;
  /** Whether a server is at its maximum of connections. */
  readonly fullOf: FullOf;
  /** Servers that clients had, as the kernel remembers them. */
  readonly persisted: TimedElements;
  /** Monotonic milliseconds, on the clock of the verdicts. */
  readonly now: number;
}

const age = (at: number | null, now: number): number | null =>
  at === null ? null : Math.max(0, Math.round(now - at));

function serverStatus(
  input: StatusInput,
  server: PlannedServer,
  serving: boolean,
  open: number,
): ServerStatus {
  const verdict = input.verdicts.get(server.id);
  const total = input.totals.get(server.id) ?? NO_TOTAL;
  const checked = server.check !== null;
  return {
    id: server.id,
    label: server.label,
    role: server.role,
    address: server.address,
    port: server.port === 0 ? null : server.port,
    weight: server.weight,
    mode: server.mode,
    health: checked ? input.healthOf(server.id) : "unknown",
    ...(server.builtIn ? { builtIn: true } : {}),
    ...(verdict?.ports === undefined ? {} : { ports: verdict.ports }),
    reason:
      verdict?.reason ??
      (checked
        ? "not checked yet"
        : server.builtIn
          ? `the page of this node, on port ${server.port}`
          : "the fallback server is not checked"),
    healthAgeMs: age(verdict?.since ?? null, input.now),
    checkedAgeMs: age(verdict?.checkedAt ?? null, input.now),
    count: verdict?.count ?? 0,
    countNeeded: verdict?.countNeeded ?? 0,
    serving,
    maxConnections: isLimited(server) ? server.maxConnections : null,
    full: input.fullOf(server),
    openConnections: open,
    ...total,
  };
}

function serviceStatus(
  input: StatusInput,
  { service, pool }: Distribution,
  rule: CoverageByRule | undefined,
  owned: readonly OwnedFlow[],
): ServiceStatus {
  const byRule = rule?.byRule ?? false;
  const returns = rule?.returns ?? false;
  const openOf = (server: PlannedServer): number =>
    owned.filter((each) => each.server === server).length;
  return {
    label: service.label,
    address: service.address,
    ports: formatPorts(service.ranges),
    protocol: service.protocol,
    method: "nat",
    scheduler: service.scheduler,
    colour: pool.colour,
    onFallback: pool.onFallback,
    held: pool.held,
    hold: null,
    servers: service.servers.map((server) =>
      serverStatus(input, server, pool.serving.includes(server), openOf(server)),
    ),
    ...(input.totals.get(service.label) ?? NO_TOTAL),
    coverage: {
      byRule,
      reason: rule?.reason ?? "",
      open: owned.length,
      covered: owned.filter((each) =>
        isCovered(each, returns, input.pinnedServer(each.flow), input.persisted),
      ).length,
    },
  };
}

/** Answers for one service after the other, with its servers, counts and coverage. */
export function statusTeller(input: StatusInput): (distribution: Distribution) => ServiceStatus {
  const byService = new Map<Distribution, OwnedFlow[]>();
  for (const owned of ownFlows(input.flows.filter(isOpen), input.distributions)) {
    const list = byService.get(owned.distribution);
    if (list === undefined) byService.set(owned.distribution, [owned]);
    else list.push(owned);
  }
  const rules = new Map(input.coverage.map((rule) => [rule.label, rule]));
  return (each) =>
    serviceStatus(input, each, rules.get(each.service.label), byService.get(each) ?? []);
}

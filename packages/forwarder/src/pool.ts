// pool.ts — which servers of a virtual service get new connections now, and what colour that is.
import type { Health, ServiceColour } from "@lbpair/common";
import type { PlannedServer, PlannedService } from "./server-plan.js";

/** The followed verdicts, as a lookup by server id. */
export type HealthOf = (id: string) => Health;

export interface Pool {
  /** Servers that new connections reach; the fallback server alone, or none at all. */
  readonly serving: readonly PlannedServer[];
  readonly onFallback: boolean;
  /** Whether real servers could serve, and an operator's release is waited for. */
  readonly held: boolean;
  readonly colour: ServiceColour;
  /** Why it is so, one sentence. */
  readonly reason: string;
}

/** Lookup from the lists that travel in adverts; a server in neither list is healthy. */
export function healthFrom(verdicts: {
  readonly unhealthy: readonly string[];
  readonly unknown: readonly string[];
}): HealthOf {
  const unhealthy = new Set(verdicts.unhealthy);
  const unknown = new Set(verdicts.unknown);
  return (id) => (unhealthy.has(id) ? "unhealthy" : unknown.has(id) ? "unknown" : "healthy");
}

const byOperator = (server: PlannedServer): boolean =>
  server.mode !== "online" || server.weight === 0;

/**
 * Real servers that may serve. A server nobody has judged yet gets nothing until its first check
 * (H7), unless it is the service's only one: then there is nothing to lose by trying.
 */
export function eligible(real: readonly PlannedServer[], healthOf: HealthOf): PlannedServer[] {
  const open = real.filter((server) => !byOperator(server));
  const healthy = open.filter((server) => healthOf(server.id) === "healthy");
  if (healthy.length > 0 || real.length > 1) return healthy;
  return open.filter((server) => healthOf(server.id) === "unknown");
}

function colourOf(
  real: readonly PlannedServer[],
  serving: readonly PlannedServer[],
  healthOf: HealthOf,
): ServiceColour {
  const idle = real.filter((server) => !serving.includes(server));
  const allByOperator = idle.length > 0 && idle.every(byOperator);
  const judged = real.filter((server) => !byOperator(server));
  const unknown = judged.length > 0 && judged.every((server) => healthOf(server.id) === "unknown");
  if (unknown) return "grey";
  if (serving.length === real.length) return "green";
  if (allByOperator) return "blue";
  return serving.length > 0 ? "yellow" : "red";
}

const list = (servers: readonly PlannedServer[]): string =>
  servers.map((server) => server.label).join(", ");

/**
 * The first fallback server in the order written that nobody found unhealthy. Where all are, the first
 * of all: the last resort, sick or never judged, still beats a refusal.
 */
export function chooseFallback(
  { servers }: PlannedService,
  healthOf: HealthOf,
): PlannedServer | undefined {
  const open = servers.filter(({ role, mode }) => role === "fallback" && mode === "online");
  return open.find(({ id }) => healthOf(id) !== "unhealthy") ?? open[0];
}

const nameOf = ({ label, builtIn }: PlannedServer): string =>
  builtIn
    ? "the built-in page"
    : label === "fallback"
      ? "the fallback server"
      : `the server ${label}`;

/**
 * Decides for one service; a function of configuration, modes and verdicts, the same on both nodes.
 * `held` also where this node holds it and that is not written down yet.
 */
export function choosePool(
  service: PlannedService,
  healthOf: HealthOf,
  held = service.held !== null,
): Pool {
  const real = service.servers.filter((server) => server.role === "real");
  const fallbacks = service.servers.filter((server) => server.role === "fallback");
  const able = eligible(real, healthOf);
  const colour = colourOf(real, held ? [] : able, healthOf);
  if (able.length > 0 && !held) {
    const reason = `${list(able)} ${able.length === 1 ? "serves" : "serve"}`;
    return { serving: able, onFallback: false, held: false, colour, reason };
  }
  const stays = held && able.length > 0;
  const chosen = chooseFallback(service, healthOf);
  if (chosen !== undefined) {
    const reason = stays
      ? `held on ${nameOf(chosen)} until an operator releases it; ${list(able)} could serve`
      : `no real server may serve, ${nameOf(chosen)} does`;
    return { serving: [chosen], onFallback: true, held: stays, colour, reason };
  }
  const [fallback] = fallbacks;
  const reason =
    fallback === undefined
      ? "no real server may serve and no fallback server is configured: connections are refused"
      : `no real server may serve and the fallback server is on ${fallback.mode}: connections are refused`;
  return { serving: [], onFallback: false, held: false, colour, reason };
}

// pool.ts — which servers of a virtual service get new connections now, and what colour that is.
import type { Health, ServiceColour } from "@lbpair/common";
import type { PlannedServer, PlannedService } from "./server-plan.js";

/** The followed verdicts, as a lookup by server id. */
export type HealthOf = (id: string) => Health;

export interface Pool {
  /** Servers that new connections reach; the fallback server alone, or none at all. */
  readonly serving: readonly PlannedServer[];
  readonly onFallback: boolean;
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
function eligible(real: readonly PlannedServer[], healthOf: HealthOf): PlannedServer[] {
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

/** Decides for one service; a function of configuration, modes and verdicts, the same on both nodes. */
export function choosePool(service: PlannedService, healthOf: HealthOf): Pool {
  const real = service.servers.filter((server) => server.role === "real");
  const fallback = service.servers.find((server) => server.role === "fallback");
  const able = eligible(real, healthOf);
  const colour = colourOf(real, able, healthOf);
  if (able.length > 0) {
    const reason = `${list(able)} ${able.length === 1 ? "serves" : "serve"}`;
    return { serving: able, onFallback: false, colour, reason };
  }
  // The fallback server is the last resort: sick or never judged, it still beats a refusal.
  if (fallback !== undefined && fallback.mode === "online") {
    const reason = "no real server may serve, the fallback server does";
    return { serving: [fallback], onFallback: true, colour, reason };
  }
  const reason =
    fallback === undefined
      ? "no real server may serve and no fallback server is configured: connections are refused"
      : `no real server may serve and the fallback server is on ${fallback.mode}: connections are refused`;
  return { serving: [], onFallback: false, colour, reason };
}

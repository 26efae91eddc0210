// services.ts — small configurations for tests.
import type { Distribution } from "../distribution.js";
import { distribute } from "../distribution.js";
import { type HealthOf, healthFrom } from "../pool.js";
import type { PlannedServer, PlannedService } from "../server-plan.js";

export const server = (label: string, more: Partial<PlannedServer> = {}): PlannedServer => ({
  id: `web/${label}`,
  label,
  role: "real",
  address: `192.168.100.${label.charCodeAt(0) - 86}`,
  port: 0,
  weight: 100,
  maxConnections: 0,
  minConnections: 0,
  mode: "online",
  check: { type: "on" },
  builtIn: false,
  ...more,
});

export const fallback = (more: Partial<PlannedServer> = {}): PlannedServer =>
  server("fallback", {
    role: "fallback",
    address: "192.168.100.120",
    weight: 0,
    check: null,
    ...more,
  });

export const service = (
  servers: readonly PlannedServer[],
  more: Partial<PlannedService> = {},
): PlannedService => ({
  label: "web",
  address: "192.168.200.100",
  ranges: [{ first: 80, last: 80 }],
  ports: [80],
  wide: [],
  sourceNat: false,
  protocol: "tcp",
  protocols: ["tcp"],
  scheduler: "weighted-hash",
  persistence: null,
  check: { type: "on" },
  recovery: "automatic",
  onReturn: "finish",
  held: null,
  servers,
  ...more,
});

export const verdicts = (unhealthy: readonly string[], unknown: readonly string[] = []): HealthOf =>
  healthFrom({ unhealthy, unknown });

export function distributed(one: PlannedService, healthOf: HealthOf = verdicts([])): Distribution {
  const [distribution] = distribute([one], healthOf);
  if (distribution === undefined) throw new Error("one service, one distribution");
  return distribution;
}

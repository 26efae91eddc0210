// holds.ts — which services stay on their fallback until an operator releases them (recovery: manual).
//
// A service of which no real server is healthy goes to its fallback. With `recovery: manual` it is then
// held there: the active node holds it at once, and has it written down with the operators' modes, so
// that both nodes hold it, over a failover and a reboot. An operator who halts all servers holds nothing.
import { eligible, type HealthOf } from "./pool.js";
import type { PlannedService } from "./server-plan.js";

export interface Holds {
  /** Held by this node and not written down yet. */
  readonly pending: ReadonlySet<string>;
  /** Services that were down at the last look; null while this node is passive. */
  readonly down: ReadonlySet<string> | null;
}

export const NO_HOLDS: Holds = { pending: new Set(), down: null };

/** Whether it is its servers' health that keeps a service from them. */
function isDown({ servers }: PlannedService, healthOf: HealthOf): boolean {
  const real = servers.filter(({ role }) => role === "real");
  if (eligible(real, healthOf).length > 0) return false;
  return real.some(
    ({ id, mode, weight }) => mode === "online" && weight > 0 && healthOf(id) === "unhealthy",
  );
}

/**
 * The holds after a look. Only going down holds: a service that is released while its servers are
 * still down returns when they are healthy. A node that becomes active holds what it finds down.
 */
export function stepHolds(
  before: Holds,
  services: readonly PlannedService[],
  healthOf: HealthOf,
  active: boolean,
): Holds {
  if (!active) return NO_HOLDS;
  const manual = services.filter(({ recovery }) => recovery === "manual");
  const down = new Set(
    manual.filter((service) => isDown(service, healthOf)).map(({ label }) => label),
  );
  const pending = manual
    .filter(({ label, held }) => {
      const wentDown = down.has(label) && before.down?.has(label) !== true;
      return held === null && (before.pending.has(label) || wentDown);
    })
    .map(({ label }) => label);
  return { pending: new Set(pending), down };
}

// check-targets.ts — which servers are checked: the real servers of every service, and fallback servers that ask for it.
import type { CheckTarget } from "./health/types.js";
import type { PlannedService } from "./server-plan.js";

const known = new WeakMap<PlannedService, readonly CheckTarget[]>();

function targetsOf(service: PlannedService): readonly CheckTarget[] {
  const found = known.get(service);
  if (found !== undefined) return found;
  const targets = service.servers.flatMap((server) => {
    const { check } = server;
    if (check === null) return [];
    const target = {
      id: server.id,
      service: service.label,
      server: server.label,
      vip: service.address,
      vports: service.ranges,
      address: server.address,
      port: server.port,
      check,
      protocol: service.protocol,
    };
    return [target];
  });
  known.set(service, targets);
  return targets;
}

/**
 * Halted and drained servers are checked too, so that putting one online is no leap in the dark. The
 * targets of a service that is the same object are too.
 */
export const checkTargets = (services: readonly PlannedService[]): CheckTarget[] =>
  services.flatMap(targetsOf);

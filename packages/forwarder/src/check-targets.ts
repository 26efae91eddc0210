// check-targets.ts — which servers are checked: the real servers of every service, and fallback servers that ask for it.
import type { CheckTarget } from "./health/types.js";
import type { PlannedService } from "./server-plan.js";

/** Halted and drained servers are checked too, so that putting one online is no leap in the dark. */
export const checkTargets = (services: readonly PlannedService[]): CheckTarget[] =>
  services.flatMap((service) =>
    service.servers.flatMap((server) => {
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
    }),
  );

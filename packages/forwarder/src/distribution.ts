// distribution.ts — where each service's new connections go: one server, slots, or nowhere.
import { choosePool, type HealthOf, type Pool } from "./pool.js";
import type { PlannedServer, PlannedService } from "./server-plan.js";
import { serviceIds } from "./service-id.js";
import { dealSlots, type SlotSize, slotOf, slotSize } from "./slots.js";

export interface Distribution {
  readonly service: PlannedService;
  /** The service's number in the kernel's maps. */
  readonly id: number;
  readonly pool: Pool;
  /** Present only where several servers share the service: the server of every slot. */
  readonly slots: { readonly size: SlotSize; readonly owners: readonly PlannedServer[] } | null;
}

function slotsOf(service: PlannedService, pool: Pool): Distribution["slots"] {
  if (pool.serving.length < 2) return null;
  const real = service.servers.filter((server) => server.role === "real");
  const serving = new Set(pool.serving);
  // The size comes from the configured weights, so a server that leaves changes no slot's number.
  const size = slotSize(real.map((server) => server.weight));
  const deal = dealSlots(
    real,
    (index) => {
      const server = real[index];
      return server !== undefined && serving.has(server);
    },
    size,
  );
  const owners = deal.flatMap((index) => real[index] ?? []);
  return { size, owners };
}

/** Decides for every service; a function of configuration, modes and verdicts only. */
export function distribute(
  services: readonly PlannedService[],
  healthOf: HealthOf,
): Distribution[] {
  const ids = serviceIds(services.map((service) => service.label));
  return services.map((service) => {
    const pool = choosePool(service, healthOf);
    return { service, id: ids.get(service.label) ?? 0, pool, slots: slotsOf(service, pool) };
  });
}

/** The server that the maps name now for a client's packet; undefined where connections are refused. */
export function serverFor(
  distribution: Distribution,
  client: string,
  clientPort: number,
): PlannedServer | undefined {
  const { pool, slots } = distribution;
  if (slots === null) return pool.serving[0];
  return slots.owners[slotOf(client, clientPort, slots.size)];
}

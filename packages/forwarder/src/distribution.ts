// distribution.ts — where each service's new connections go: one server, slots, or nowhere.
import { chooseFallback, choosePool, type HealthOf, type Pool } from "./pool.js";
import type { PlannedServer, PlannedService } from "./server-plan.js";
import { type Numbers, numbersOf } from "./service-id.js";
import { chooseWay, dealSlots, dealTurns, slotOf, type Way, type WayKind } from "./slots.js";

/** Slots of a service that several servers share. */
export interface Slots {
  readonly way: Way;
  /** The server of every slot. */
  readonly owners: readonly PlannedServer[];
}

export interface Distribution {
  readonly service: PlannedService;
  /** The service's number in the kernel's maps. */
  readonly id: number;
  /** Its servers' numbers, in the order of `service.servers`. */
  readonly serverNumbers: readonly number[];
  readonly pool: Pool;
  readonly slots: Slots | null;
  /** Where connections go whose server is at its maximum; null where none is. */
  readonly overflow: Overflow | null;
}

/** One server, or the slots of several; neither where nobody has room. */
export interface Overflow {
  readonly only: PlannedServer | undefined;
  readonly slots: Slots | null;
}

/** What a service's servers are to be weighted by instead of their configured weights; by server id. */
export type WeightOf = (server: PlannedServer) => number;

const WAY_KINDS: Readonly<Record<PlannedService["scheduler"], WayKind>> = {
  "weighted-hash": "flow",
  "source-hash": "source",
  "weighted-round-robin": "turn",
  "weighted-least-connections": "turn",
};

function slotsOf(service: PlannedService, pool: Pool, weightOf: WeightOf): Slots | null {
  if (pool.serving.length < 2) return null;
  const kind = WAY_KINDS[service.scheduler];
  const real = service.servers.filter((server) => server.role === "real");
  const serving = new Set(pool.serving);
  const owner = (index: number): PlannedServer[] => real.slice(index, index + 1);
  // The size comes from the configured weights, so a server that leaves changes no slot's number.
  const way = chooseWay(
    kind,
    real.map((server) => server.weight),
  );
  if (kind === "turn") {
    const weights = real.map((server) => (serving.has(server) ? weightOf(server) : 0));
    return { way, owners: dealTurns(weights, way.size).flatMap(owner) };
  }
  const serves = (index: number): boolean => owner(index).some((server) => serving.has(server));
  return { way, owners: dealSlots(real, serves, way.size).flatMap(owner) };
}

/** Whether a server is at its maximum of connections. */
export type FullOf = (server: PlannedServer) => boolean;

/** What is neither configuration nor verdict, and what it is where nobody says. */
export interface Present {
  readonly weightOf?: WeightOf;
  /** Labels of services that this node holds on their fallback. */
  readonly held?: ReadonlySet<string>;
  readonly fullOf?: FullOf;
}

const byWeight: WeightOf = (server) => server.weight;
const NONE: ReadonlySet<string> = new Set();
const noLimit: FullOf = () => false;

/** The fallback server answers too where every real server is at its maximum. */
function overflowOf(
  service: PlannedService,
  pool: Pool,
  by: {
    readonly healthOf: HealthOf;
    readonly weightOf: WeightOf;
    readonly fullOf: FullOf;
  },
): Overflow | null {
  const left = pool.serving.filter((server) => !by.fullOf(server));
  if (left.length === pool.serving.length) return null;
  const slots = slotsOf(service, { ...pool, serving: left }, by.weightOf);
  return { only: left[0] ?? chooseFallback(service, by.healthOf), slots };
}

/**
 * Decides for one service; a function of configuration, modes, verdicts, steered weights and full
 * servers only. Those two concern no packet in mid-stream of the hashes.
 */
export function distributeOne(
  service: PlannedService,
  numbers: Numbers,
  healthOf: HealthOf,
  { weightOf = byWeight, held = NONE, fullOf = noLimit }: Present,
): Distribution {
  const pool = choosePool(service, healthOf, service.held !== null || held.has(service.label));
  return {
    service,
    id: numbers.services.get(service.label) ?? 0,
    serverNumbers: service.servers.map((server) => numbers.servers.get(server.id) ?? 0),
    pool,
    slots: slotsOf(service, pool, weightOf),
    overflow: overflowOf(service, pool, { healthOf, weightOf, fullOf }),
  };
}

/** Decides for every service. */
export function distribute(
  services: readonly PlannedService[],
  healthOf: HealthOf,
  present: Present = {},
): Distribution[] {
  const numbers = numbersOf(services);
  return services.map((service) => distributeOne(service, numbers, healthOf, present));
}

/**
 * The server that the maps name now for a client's packet; undefined where connections are refused,
 * and where the packet does not say it.
 */
export function serverFor(
  distribution: Distribution,
  client: string,
  clientPort: number,
): PlannedServer | undefined {
  const { pool, slots } = distribution;
  if (slots === null) return pool.serving[0];
  const slot = slotOf(client, clientPort, slots.way);
  return slot === undefined ? undefined : slots.owners[slot];
}

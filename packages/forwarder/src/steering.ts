// steering.ts — weighted least connections: weights of a round of turns, leaning to servers with few.
//
// The kernel deals connections in turns; it does not count them. So the weights of the turns are set
// anew at each look at the connection table, such that after as many new connections as are expected
// until the next look every server has its share of all that are open.
import type { Distribution, WeightOf } from "./distribution.js";
import { type Flow, isOpen } from "./flow.js";
import { ownFlows } from "./flow-owner.js";
import type { PlannedServer } from "./server-plan.js";

export interface Load {
  /** The configured weight, above 0. */
  readonly weight: number;
  readonly open: number;
}

/** Steered weights are this coarse, so that a small difference changes nothing in the kernel. */
const STEPS = 20;
/** New connections expected until the next look, as a share of those that are open. */
const EXPECTED = 0.1;

/**
 * Weights from 1 to `STEPS` + 1: what each server lacks to its share. Nobody gets none: a count is
 * seconds old, and a connection that has just ended is counted in it.
 */
export function steer(loads: readonly Load[]): number[] {
  const weights = loads.reduce((sum, load) => sum + load.weight, 0);
  const open = loads.reduce((sum, load) => sum + load.open, 0);
  const soon = open + Math.max(open * EXPECTED, loads.length);
  const lacks = loads.map((load) => Math.max(0, (load.weight / weights) * soon - load.open));
  const most = Math.max(...lacks);
  return lacks.map((lack) => 1 + Math.round((lack / most) * STEPS));
}

/** By server id; only servers of services that ask for it and have several to choose from. */
export type Steered = ReadonlyMap<string, number>;

export const NOT_STEERED: Steered = new Map();

const asks = ({ service, pool }: Distribution): boolean =>
  service.scheduler === "weighted-least-connections" && pool.serving.length > 1;

/** Weights for what the connection table shows now. */
export function steerAll(distributions: readonly Distribution[], flows: readonly Flow[]): Steered {
  const steered = new Map<string, number>();
  const asking = distributions.filter(asks);
  if (asking.length === 0) return steered;
  const open = new Map<PlannedServer, number>();
  for (const { server } of ownFlows(flows.filter(isOpen), asking)) {
    if (server !== undefined) open.set(server, (open.get(server) ?? 0) + 1);
  }
  for (const { pool } of asking) {
    const loads = pool.serving.map((server) => ({
      weight: server.weight,
      open: open.get(server) ?? 0,
    }));
    steer(loads).forEach((weight, index) => {
      const id = pool.serving[index]?.id;
      if (id !== undefined) steered.set(id, weight);
    });
  }
  return steered;
}

export const sameWeights = (a: Steered, b: Steered): boolean =>
  a.size === b.size && [...a].every(([id, weight]) => b.get(id) === weight);

export const weightFrom =
  (steered: Steered): WeightOf =>
  (server) =>
    steered.get(server.id) ?? server.weight;

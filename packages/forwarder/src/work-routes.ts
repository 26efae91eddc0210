// work-routes.ts — requests that need a configuration in force: checks, connections, pins.
import type { Condition, ControlRoutes } from "@lbpair/common";
import { parsePinsOrder } from "./bodies.js";
import { cutConnections, listConnections } from "./connections-order.js";
import { runHealthCheck } from "./health-check-order.js";
import { countOpen } from "./open-order.js";
import { adoptPins } from "./pin-watch.js";
import { whatIf } from "./what-if-order.js";
import type { Works } from "./works.js";

export interface WorkRoutesDeps {
  /** null before the first configuration that can be used. */
  readonly works: () => Works | null;
  readonly condition: () => Condition;
  /** Wall time in milliseconds. */
  readonly wall: () => number;
}

export const workRoutes = ({ works, condition, wall }: WorkRoutesDeps): ControlRoutes => ({
  "POST /health-check": ({ body, signal }) => runHealthCheck(body, works()?.engine, signal),
  "POST /what-if": ({ body }) => whatIf(body, works()?.engine, wall()),
  "POST /connections": ({ body }) => listConnections(body, works(), condition()),
  "POST /connections/cut": ({ body }) => cutConnections(body, works()),
  "POST /open": ({ body }) => countOpen(body, works(), condition()),
  "POST /pins": ({ body }) => adoptPins(works(), parsePinsOrder(body)),
});

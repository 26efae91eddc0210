// routes.ts — what the replicator answers on its control socket.
import {
  type ControlRoutes,
  ProblemsError,
  type Refusal,
  RefusalError,
  type ReplicatorStatus,
  standardRoutes,
} from "@lbpair/common";
import { apply } from "./apply.js";
import { plan, sync } from "./compare.js";
import { readHoldRequest } from "./core/holds.js";
import { readModeOrder } from "./core/mode-order.js";
import { PeerFailureError } from "./core/peer-failure.js";
import type { NodeState } from "./node-state.js";
import type { Peer } from "./peer.js";
import { readLimit } from "./receive-verbs.js";
import type { Replicator } from "./replicator.js";
import { holdServices, setModes } from "./set-modes.js";

export interface RouteParts {
  readonly node: NodeState;
  readonly replicator: Replicator;
  readonly status: () => Promise<ReplicatorStatus>;
  readonly reload: () => Promise<{ readonly changed: number }>;
  readonly restart: () => Promise<void>;
}

function mustHavePeer(replicator: Replicator): Peer {
  const peer = replicator.peer();
  if (peer === undefined)
    throw new RefusalError(409, "no peer is configured (appliance.yaml, peer)");
  return peer;
}

/** The peer's own word on its daemons; one refusal for all where it cannot be asked. */
async function peerStatus(replicator: Replicator): Promise<unknown> {
  const peer = mustHavePeer(replicator);
  try {
    return await peer.status();
  } catch (error) {
    const refusal: Refusal = { error: error instanceof Error ? error.message : String(error) };
    return { forwarder: refusal, heartbeat: refusal, replicator: refusal };
  }
}

/** `after` counts for all three daemons, each of which has a count of its own: `after=5` or `forwarder=5&…`. */
function readAfter(query: URLSearchParams): Record<string, number> {
  const common = Number(query.get("after") ?? 0) || 0;
  const one = (daemon: string) => Number(query.get(daemon) ?? common) || 0;
  return {
    forwarder: one("forwarder"),
    heartbeat: one("heartbeat"),
    replicator: one("replicator"),
  };
}

const textOf = (body: unknown, key: string): string => {
  const value = (body as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === "string" ? value : "";
};

/** Problems found by a store or a parser reach the asker as a refusal with all of them. */
const refusing = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ProblemsError) throw new RefusalError(422, "refused", error.problems);
    if (error instanceof PeerFailureError) throw new RefusalError(502, error.message);
    throw error;
  }
};

export function createRoutes({
  node,
  replicator,
  status,
  reload,
  restart,
}: RouteParts): ControlRoutes {
  return {
    ...standardRoutes({ status, reload, restart, events: node.events }),
    "POST /apply": ({ body }) => refusing(apply(node, replicator, textOf(body, "reason"))),
    "POST /plan": () => refusing(plan(node, replicator)),
    "POST /mode": ({ body }) =>
      refusing(Promise.resolve().then(() => setModes(node, replicator, readModeOrder(body)))),
    "POST /hold": ({ body }) => refusing(holdServices(node, replicator, readHoldRequest(body))),
    "POST /sync": ({ body }) => {
      const dryRun = (body as { dryRun?: unknown } | undefined)?.dryRun === true;
      return refusing(sync(node, replicator, dryRun));
    },
    "GET /peer/status": () => refusing(peerStatus(replicator)),
    "GET /peer/events": ({ query }) => refusing(mustHavePeer(replicator).events(readAfter(query))),
    "GET /peer/transitions": ({ query }) =>
      refusing(mustHavePeer(replicator).transitions(readLimit({ limit: query.get("limit") }))),
    "POST /peer/pins": ({ body }) => refusing(mustHavePeer(replicator).pins(body)),
    "POST /peer/health-check": ({ body }) =>
      refusing(mustHavePeer(replicator).checks("health-check", body)),
    "POST /peer/what-if": ({ body }) => refusing(mustHavePeer(replicator).checks("what-if", body)),
    "POST /peer/clear-flaps": () => refusing(mustHavePeer(replicator).clearFlaps()),
    "POST /peer/restart": ({ body }) => {
      if (textOf(body, "daemon") !== "heartbeat") {
        throw new RefusalError(
          400,
          "body: want {daemon: heartbeat}, the only one to restart there",
        );
      }
      return refusing(mustHavePeer(replicator).restartHeartbeat());
    },
  };
}

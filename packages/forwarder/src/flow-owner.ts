// flow-owner.ts — which service and server a live connection belongs to, and whether it is covered.
import type { Distribution } from "./distribution.js";
import type { Flow } from "./flow.js";
import { lookupOf } from "./lookup.js";
import { mapsName } from "./persistence.js";
import { type PlannedServer, portOnServer } from "./server-plan.js";
import type { TimedElements } from "./timed-elements.js";

export interface OwnedFlow {
  readonly flow: Flow;
  readonly distribution: Distribution;
  /** Undefined where the flow's server is no longer in the configuration. */
  readonly server: PlannedServer | undefined;
}

export const sameServer = (server: PlannedServer, flow: Flow): boolean =>
  server.address === flow.server && portOnServer(server, flow.vipPort) === flow.serverPort;

/** Flows to anything but a service have no owner. */
export function ownFlows(
  flows: readonly Flow[],
  distributions: readonly Distribution[],
): OwnedFlow[] {
  if (flows.length === 0) return [];
  const lookup = lookupOf(distributions);
  return flows.flatMap((flow) => {
    const distribution = lookup.service(flow.vip, flow.protocol, flow.vipPort);
    if (distribution === undefined) return [];
    const server = distribution.service.servers.find((each) => sameServer(each, flow));
    return [{ flow, distribution, server }];
  });
}

/**
 * Whether a node with an empty connection table would find this flow's server again: its pin there or
 * the maps name it for the client's next packet, and the configuration names the VIP for the server's
 * (`returns`). `pinned` is the server that the peer has been told of for this flow.
 */
export function isCovered(
  owned: OwnedFlow,
  returns: boolean,
  pinned?: string,
  persisted: TimedElements = new Map(),
): boolean {
  // The other node's page knows nothing of this one's connections.
  if (!returns || owned.server === undefined || owned.server.builtIn) return false;
  const { flow, server } = owned;
  if (mapsName(owned.distribution, flow, server, persisted)) return true;
  return flow.protocol === "tcp" && pinned === server.id;
}

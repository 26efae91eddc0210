// persistence.ts — which server a client had, as the kernel's elements say it and as the peer is told.
import { networkOf } from "@lbpair/common";
import { type Distribution, serverFor } from "./distribution.js";
import type { Flow } from "./flow.js";
import type { PlannedServer } from "./server-plan.js";
import { classid } from "./service-id.js";
import type { TimedElement, TimedElements } from "./timed-elements.js";

/** A client, or the network it is in, and the server it comes back to. */
export interface Persisted {
  readonly client: string;
  /** The server's id, `service/server`. */
  readonly server: string;
  /** Until it is forgotten, unless it opens something. */
  readonly seconds: number;
}

const numberOf = ({ service, serverNumbers }: Distribution, server: PlannedServer): string =>
  classid(serverNumbers[service.servers.indexOf(server)] ?? 0);

const persists = ({ service }: Distribution): boolean => service.persistence !== null;

export const anyPersists = (distributions: readonly Distribution[]): boolean =>
  distributions.some(persists);

/** What the kernel's elements mean; those of servers that are gone mean nothing. */
export function persistedOf(
  elements: TimedElements,
  distributions: readonly Distribution[],
): Persisted[] {
  const servers = new Map(
    distributions.filter(persists).flatMap((distribution) => {
      const { service, id } = distribution;
      return service.servers.map((server): [string, string] => [
        `${classid(id)} ${numberOf(distribution, server)}`,
        server.id,
      ]);
    }),
  );
  return [...elements].flatMap(([key, { value, seconds }]) => {
    const [client = "", service] = key.split(" . ");
    const server = servers.get(`${service} ${value}`);
    return server === undefined ? [] : { client, server, seconds };
  });
}

/** The reverse, for what the active node said. */
export function persistedElements(
  persisted: Iterable<Persisted>,
  distributions: readonly Distribution[],
): Map<string, TimedElement> {
  const places = new Map(
    distributions.filter(persists).flatMap((distribution) => {
      const { service, id } = distribution;
      return service.servers.map((server) => {
        const place = { service: classid(id), value: numberOf(distribution, server) };
        return [server.id, place] as const;
      });
    }),
  );
  const elements = new Map<string, TimedElement>();
  for (const { client, server, seconds } of persisted) {
    const place = places.get(server);
    if (place === undefined) continue;
    elements.set(`${client} . ${place.service}`, { value: place.value, seconds });
  }
  return elements;
}

/** Whether a node that knows none of the open connections would find the server of this one again. */
export function mapsName(
  distribution: Distribution,
  flow: Pick<Flow, "client" | "clientPort">,
  server: PlannedServer,
  elements: TimedElements,
): boolean {
  if (serverFor(distribution, flow.client, flow.clientPort) !== server) return false;
  const { persistence } = distribution.service;
  if (persistence === null) return true;
  const client = networkOf(flow.client, persistence.netmask);
  const had = elements.get(`${client} . ${classid(distribution.id)}`);
  // A server that gets nothing new is passed over by the rules.
  const serving = distribution.pool.serving.map((each) => numberOf(distribution, each));
  return (
    had === undefined ||
    !serving.includes(had.value) ||
    had.value === numberOf(distribution, server)
  );
}

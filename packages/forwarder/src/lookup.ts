// lookup.ts — finds a service among thousands by what packets, elements and names say of it.
import type { Distribution } from "./distribution.js";
import type { PlannedServer, PlannedService } from "./server-plan.js";
import { SERVICE_BITS } from "./service-id.js";

/** A server and the service it is one of. */
export interface Place {
  readonly distribution: Distribution;
  readonly server: PlannedServer;
  /** The server's number in the kernel's maps. */
  readonly number: number;
}

type ByAddress = ReadonlyMap<string, readonly Distribution[]>;

function group(
  distributions: readonly Distribution[],
  addressesOf: (distribution: Distribution) => Iterable<string>,
): ByAddress {
  const groups = new Map<string, Distribution[]>();
  for (const distribution of distributions) {
    for (const address of addressesOf(distribution)) {
      const list = groups.get(address);
      if (list === undefined) groups.set(address, [distribution]);
      else if (list.at(-1) !== distribution) list.push(distribution);
    }
  }
  return groups;
}

/** Longer lists of ports get a set of their own. */
const PORTS_SEARCHED_MAX = 16;
const portSets = new WeakMap<PlannedService, ReadonlySet<number>>();

export function hasPort(service: PlannedService, port: number): boolean {
  if (service.ports.length <= PORTS_SEARCHED_MAX) return service.ports.includes(port);
  const known = portSets.get(service) ?? new Set(service.ports);
  portSets.set(service, known);
  return known.has(port);
}

/** Each index is built when it is first asked for: most changes ask for none. */
export class Lookup {
  readonly #distributions: readonly Distribution[];
  #byVip: ByAddress | undefined;
  #byServer: ByAddress | undefined;
  #byLabel: ReadonlyMap<string, Distribution> | undefined;
  #byNumber: ReadonlyMap<number, Distribution> | undefined;

  constructor(distributions: readonly Distribution[]) {
    this.#distributions = distributions;
  }

  /** The addresses clients use. */
  get vips(): ByAddress {
    this.#byVip ??= group(this.#distributions, ({ service }) => [service.address]);
    return this.#byVip;
  }

  /** The service of a socket that clients use. */
  service(vip: string, protocol: string, port: number): Distribution | undefined {
    return this.vips
      .get(vip)
      ?.find(
        ({ service }) =>
          service.protocols.some((each) => each === protocol) &&
          (hasPort(service, port) ||
            service.wide.some(({ first, last }) => first <= port && port <= last)),
      );
  }

  /** Services that have a server with an address, in the order configured. */
  servedAt(address: string): readonly Distribution[] {
    this.#byServer ??= group(this.#distributions, ({ service }) =>
      service.servers.map((server) => server.address),
    );
    return this.#byServer.get(address) ?? [];
  }

  /** By its id, `service/server`. */
  server(id: string): Place | undefined {
    this.#byLabel ??= new Map(this.#distributions.map((each) => [each.service.label, each]));
    const distribution = this.#byLabel.get(id.slice(0, id.lastIndexOf("/")));
    const index = distribution?.service.servers.findIndex((each) => each.id === id) ?? -1;
    return distribution && placeAt(distribution, index);
  }

  /** The service whose number this is, or that of one of its servers. */
  numbered(number: number): Distribution | undefined {
    this.#byNumber ??= new Map(this.#distributions.map((each) => [each.id, each]));
    return this.#byNumber.get((number & SERVICE_BITS) >>> 0);
  }

  /** The server whose number this is, of a service with a VIP. */
  serverNumbered(vip: string, number: number): Place | undefined {
    for (const distribution of this.vips.get(vip) ?? []) {
      const place = placeAt(distribution, distribution.serverNumbers.indexOf(number));
      if (place !== undefined) return place;
    }
    return undefined;
  }
}

function placeAt(distribution: Distribution, index: number): Place | undefined {
  const server = distribution.service.servers[index];
  const number = distribution.serverNumbers[index];
  return server === undefined || number === undefined
    ? undefined
    : { distribution, server, number };
}

const known = new WeakMap<readonly Distribution[], Lookup>();

/** One for each list, as long as somebody has the list. */
export function lookupOf(distributions: readonly Distribution[]): Lookup {
  const found = known.get(distributions) ?? new Lookup(distributions);
  known.set(distributions, found);
  return found;
}

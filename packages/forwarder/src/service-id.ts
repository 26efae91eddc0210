// service-id.ts — the numbers that virtual services and their servers have in the kernel's maps.
import { stableHash } from "./hash.js";

export interface Numbers {
  /** By label of the service. */
  readonly services: ReadonlyMap<string, number>;
  /** By `service/server`; none is a service's number too. */
  readonly servers: ReadonlyMap<string, number>;
}

interface Named {
  readonly label: string;
  readonly servers: readonly { readonly id: string }[];
}

function numberAll(names: readonly string[], taken: Set<number>): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const name of [...names].sort()) {
    let number = stableHash(name);
    while (taken.has(number)) number = (number + 1) >>> 0;
    taken.add(number);
    numbers.set(name, number);
  }
  return numbers;
}

const known = new WeakMap<readonly Named[], Numbers>();

/**
 * Numbers come from the names, not from the place in the file, so what is added or removed leaves the
 * others' elements and counters alone, and both nodes count alike. 0 means "none" in the rules.
 */
export function numbersOf(services: readonly Named[]): Numbers {
  const found = known.get(services);
  if (found !== undefined) return found;
  const taken = new Set<number>([0, 0xffffffff]);
  const numbers = {
    services: numberAll(
      services.map((service) => service.label),
      taken,
    ),
    servers: numberAll(
      services.flatMap((service) => service.servers.map((server) => server.id)),
      taken,
    ),
  };
  known.set(services, numbers);
  return numbers;
}

/** nftables' notation of a 32-bit classid, as it prints it itself. */
export const classid = (id: number): string =>
  `${(id >>> 16).toString(16)}:${(id & 0xffff).toString(16)}`;

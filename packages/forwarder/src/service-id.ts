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

/** A server's number is its service's in these bits, and its own in the others (rules.ts). */
export const SERVICE_BITS = 0xffff_fc00;
export const SERVER_BITS = ~SERVICE_BITS >>> 0;

/** A number for each name, made by `first` from its hash; one that is taken gives way to the next. */
function numberAll(
  names: readonly string[],
  first: (hash: number) => number,
  next: (number: number) => number,
): Map<string, number> {
  const taken = new Set<number>();
  const numbers = new Map<string, number>();
  for (const name of [...names].sort()) {
    let number = first(stableHash(name));
    while (taken.has(number)) number = next(number);
    taken.add(number);
    numbers.set(name, number);
  }
  return numbers;
}

// Neither 0 ("none" in the rules) nor the highest, which nft calls "root" with all server bits set.
const SERVICES_RANGE = SERVICE_BITS / (SERVER_BITS + 1) - 1;
const serviceNumber = (hash: number): number =>
  ((1 + (hash % SERVICES_RANGE)) * (SERVER_BITS + 1)) >>> 0;
const nextService = (number: number): number => serviceNumber(number / (SERVER_BITS + 1));
const serverPart = (hash: number): number => 1 + (hash % (SERVER_BITS - 1));

/** The service's second number: where connections go whose server is at its maximum. No server has it. */
export const overflowNumber = (service: number): number => (service | SERVER_BITS) >>> 0;

function numberServers(services: readonly Named[], numbers: ReadonlyMap<string, number>) {
  return new Map(
    services.flatMap(({ label, servers }) => {
      const service = numbers.get(label) ?? 0;
      const parts = numberAll(
        servers.map((server) => server.id),
        serverPart,
        serverPart,
      );
      return [...parts].map(([id, part]) => [id, (service | part) >>> 0] as const);
    }),
  );
}

const known = new WeakMap<readonly Named[], Numbers>();

const sameNames = (a: Named, b: Named | undefined): boolean =>
  a === b ||
  (b !== undefined &&
    a.label === b.label &&
    a.servers.length === b.servers.length &&
    a.servers.every((server, index) => server.id === b.servers[index]?.id));

/** Lets services go on with the numbers of others that have the same names in the same order. */
export function keepNumbers(services: readonly Named[], before: readonly Named[]): void {
  const numbers = known.get(before);
  if (numbers === undefined || services.length !== before.length) return;
  if (services.every((service, index) => sameNames(service, before[index]))) {
    known.set(services, numbers);
  }
}

/**
 * Numbers come from the names, not from the place in the file, so what is added or removed leaves the
 * others' elements and counters alone, and both nodes count alike. 0 means "none" in the rules.
 */
export function numbersOf(services: readonly Named[]): Numbers {
  const found = known.get(services);
  if (found !== undefined) return found;
  const labels = services.map((service) => service.label);
  const ofServices = numberAll(labels, serviceNumber, nextService);
  const numbers = { services: ofServices, servers: numberServers(services, ofServices) };
  known.set(services, numbers);
  return numbers;
}

/** nftables' notation of a 32-bit classid, as it prints it itself. */
export const classid = (id: number): string =>
  `${(id >>> 16).toString(16)}:${(id & 0xffff).toString(16)}`;

/** The reverse of `classid`; NaN for other texts. */
export function classNumber(text: string): number {
  const [major = "", minor = ""] = text.split(":");
  return Number(`0x${major}`) * 0x1_0000 + Number(`0x${minor}`);
}

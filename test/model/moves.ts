// moves.ts — chance's next move: another configuration, other modes, other health, a restart, a mishap.
import type { Random } from "../sim/random.js";
import {
  FALLBACK_ADDRESSES,
  FALLBACK_LABELS,
  type Health,
  type Mode,
  numberOf,
  SCHEDULERS,
  SERVER_ADDRESSES,
  SERVICE_NUMBERS,
  type Server,
  type Service,
  type Setup,
  serverPortsOf,
  VIPS,
  vipPortsOf,
} from "./setup.js";

export type MoveKind =
  | "configuration"
  | "modes"
  | "health"
  | "restart"
  | "refused"
  | "table-deleted"
  | "element-deleted"
  | "forgotten";

export interface Move {
  readonly kind: MoveKind;
  /** What is right once the move is done. */
  readonly next: Setup;
}

const WEIGHTS: Readonly<Record<MoveKind, number>> = {
  configuration: 30,
  modes: 26,
  health: 30,
  restart: 5,
  refused: 3,
  "table-deleted": 1.5,
  "element-deleted": 1.5,
  forgotten: 2,
};

const idsOf = (services: readonly Service[]): string[] =>
  services.flatMap(({ label, servers, fallbacks }) =>
    [...servers, ...fallbacks].map((server) => `${label}/${server.label}`),
  );

const some = <T>(random: Random, list: readonly T[], share: number): T[] =>
  list.filter(() => random.chance(share));

function ports(random: Random, number: number): number[] {
  const chosen = some(random, vipPortsOf(number), 0.6);
  return chosen.length > 0 ? chosen : vipPortsOf(number).slice(0, 1);
}

/** Most servers keep the client's port; a port of its own may be that of a sibling service's client too. */
const serverPort = (random: Random, number: number): number =>
  random.chance(0.3) ? random.pick(serverPortsOf(number)) : 0;

const weight = (random: Random): number => random.pick([100, 100, 100, 50, 7, 1, 0]);

const newServer = (random: Random, number: number, address: string): Server => ({
  label: `r${address.split(".").at(-1)}`,
  address,
  port: serverPort(random, number),
  weight: weight(random),
});

function newFallbacks(random: Random, number: number): Server[] {
  const count = random.pick([0, 0, 1, 1, 1, 2]);
  const turned = random.chance(0.5) ? [...FALLBACK_ADDRESSES].reverse() : FALLBACK_ADDRESSES;
  return turned.slice(0, count).map((address, i) => ({
    ...{ label: FALLBACK_LABELS[i] ?? "", address },
    ...{ port: serverPort(random, number), weight: 100 },
  }));
}

const newPersistence = (random: Random): Service["persistence"] =>
  random.pick([null, null, null, 32, 24]);

function servers(random: Random, number: number): Server[] {
  const most = random.chance(0.3) ? 1 : SERVER_ADDRESSES.length;
  const chosen = some(random, SERVER_ADDRESSES, 0.65).slice(0, most);
  const addresses = chosen.length > 0 ? chosen : SERVER_ADDRESSES.slice(0, 1);
  return addresses.map((address) => newServer(random, number, address));
}

const newService = (random: Random, number: number): Service => ({
  label: `s${number}`,
  vip: random.pick(VIPS),
  ports: ports(random, number),
  protocol: random.pick(["tcp", "udp", "both", "both"]),
  scheduler: random.pick(SCHEDULERS),
  servers: servers(random, number),
  persistence: newPersistence(random),
  fallbacks: newFallbacks(random, number),
});

function changeServer(random: Random, service: Service): Service {
  const number = numberOf(service);
  const changed = random.below(service.servers.length);
  const change = (server: Server): Server =>
    random.chance(0.6)
      ? { ...server, weight: weight(random) }
      : { ...server, port: serverPort(random, number) };
  return {
    ...service,
    servers: service.servers.map((server, i) => (i === changed ? change(server) : server)),
  };
}

function addOrRemoveServer(random: Random, service: Service): Service {
  const absent = SERVER_ADDRESSES.filter(
    (address) => !service.servers.some((server) => server.address === address),
  );
  if (absent.length > 0 && (service.servers.length < 2 || random.chance(0.5))) {
    const added = newServer(random, numberOf(service), random.pick(absent));
    return { ...service, servers: [...service.servers, added] };
  }
  if (service.servers.length < 2) return service;
  const removed = random.pick(service.servers);
  return { ...service, servers: service.servers.filter((server) => server !== removed) };
}

function changeService(random: Random, service: Service): Service {
  const number = numberOf(service);
  const change = random.below(11);
  if (change < 3) return changeServer(random, service);
  if (change < 6) return addOrRemoveServer(random, service);
  if (change === 6) return { ...service, fallbacks: newFallbacks(random, number) };
  if (change === 7) return { ...service, scheduler: random.pick(SCHEDULERS) };
  if (change === 10) return { ...service, persistence: newPersistence(random) };
  if (change === 8) return { ...service, ports: ports(random, number) };
  return { ...service, protocol: random.pick(["tcp", "udp", "both"]) };
}

function nextServices(random: Random, services: readonly Service[]): Service[] {
  const next = [...services];
  for (let changes = random.chance(0.25) ? 3 : 1; changes > 0; changes -= 1) {
    const number = random.pick(SERVICE_NUMBERS);
    const at = next.findIndex((service) => numberOf(service) === number);
    const found = next[at];
    if (found === undefined) next.push(newService(random, number));
    else if (random.chance(0.12)) next.splice(at, 1);
    else next[at] = changeService(random, found);
  }
  return next;
}

function nextModes(random: Random, setup: Setup): Map<string, Mode> {
  const next = new Map(setup.modes);
  const ids = idsOf(setup.services);
  if (ids.length === 0) return next;
  for (let changes = random.chance(0.3) ? 3 : 1; changes > 0; changes -= 1) {
    next.set(random.pick(ids), random.pick(["online", "online", "drain", "halt"]));
  }
  return next;
}

function nextHealth(random: Random, setup: Setup): Map<string, Health> {
  const next = new Map(setup.health);
  const ids = idsOf(setup.services);
  if (ids.length === 0) return next;
  for (let changes = 1 + random.below(4); changes > 0; changes -= 1) {
    next.set(random.pick(ids), random.pick(["healthy", "healthy", "unhealthy", "unknown"]));
  }
  return next;
}

function pickKind(random: Random): MoveKind {
  const kinds = Object.entries(WEIGHTS) as [MoveKind, number][];
  let left = random.between(
    0,
    kinds.reduce((sum, [, share]) => sum + share, 0),
  );
  for (const [kind, share] of kinds) {
    left -= share;
    if (left < 0) return kind;
  }
  return "health";
}

export function nextMove(random: Random, setup: Setup): Move {
  const kind = pickKind(random);
  switch (kind) {
    case "configuration":
      return { kind, next: { ...setup, services: nextServices(random, setup.services) } };
    case "modes":
      return { kind, next: { ...setup, modes: nextModes(random, setup) } };
    case "health":
      return { kind, next: { ...setup, health: nextHealth(random, setup) } };
    // A daemon that was away finds whatever happened meanwhile.
    case "restart":
      return {
        kind,
        next: {
          services: random.chance(0.5) ? nextServices(random, setup.services) : setup.services,
          modes: random.chance(0.5) ? nextModes(random, setup) : setup.modes,
          health: random.chance(0.5) ? nextHealth(random, setup) : setup.health,
        },
      };
    case "refused":
    case "table-deleted":
    case "element-deleted":
    case "forgotten":
      return { kind, next: setup };
    default:
      return kind satisfies never;
  }
}

/** Something to begin with. */
export const firstSetup = (random: Random): Setup => {
  const services = SERVICE_NUMBERS.map((number) => newService(random, number));
  return {
    services,
    modes: new Map(),
    health: new Map(idsOf(services).map((id) => [id, "healthy"])),
  };
};

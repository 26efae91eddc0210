// wanted-elements.ts — configuration, modes and verdicts as the elements the kernel shall hold.
import { type Family, familyOf } from "@lbpair/common";
import { isLimited } from "./connection-limits.js";
import type { Distribution, Overflow } from "./distribution.js";
import { type Elements, type MutableElements, moreThan, noElements } from "./elements.js";
import { addPassages, addSourceNat, type Passages } from "./passage-elements.js";
import { findChain, keepChain } from "./persistence-rules.js";
import { addReturns, socket, wideSocket } from "./return-elements.js";
import { belongs, type PlannedServer } from "./server-plan.js";
import { classid, overflowNumber } from "./service-id.js";

export interface WantedInput {
  readonly family: Family;
  readonly distributions: readonly Distribution[];
  /** Every floating IP, the virtual services' addresses among them. */
  readonly floatingIps: readonly string[];
  /** Interfaces that carry services, as found on this node. */
  readonly arms: readonly string[];
  readonly passages: Passages;
}

/** Every server has its place by its own number, so that slots and pins can name it. */
function addServers(elements: MutableElements, { service, serverNumbers }: Distribution): void {
  service.servers.forEach((server, index) => {
    if (!belongs(server)) return;
    const key = classid(serverNumbers[index] ?? 0);
    elements.servers.set(key, server.address);
    if (server.port !== 0) elements.serverports.set(key, `${server.port}`);
  });
}

/** Which chains of the rules are the service's, and whom a client may come back to. */
function addPersistence(
  elements: MutableElements,
  { service, id, pool }: Distribution,
  numbers: ReadonlyMap<PlannedServer, string>,
): void {
  if (service.persistence === null) return;
  const { netmask, timeout } = service.persistence;
  elements.persistence.set(classid(id), `jump ${findChain(netmask)}`);
  elements.keeps.set(classid(id), `jump ${keepChain(netmask, timeout)}`);
  for (const server of pool.serving) elements.serving.set(numbers.get(server) ?? "", "");
}

function addLimits(
  elements: MutableElements,
  distribution: Distribution,
  numbers: ReadonlyMap<PlannedServer, string>,
): void {
  const { service, id, pool, overflow } = distribution;
  for (const server of service.servers.filter(isLimited)) {
    if (!belongs(server)) continue;
    elements.limited.set(numbers.get(server) ?? "", moreThan(server.maxConnections));
  }
  if (overflow === null) return;
  for (const server of pool.serving) {
    const hasRoom = overflow.only === server || overflow.slots?.owners.includes(server) === true;
    if (!hasRoom) elements.full.set(numbers.get(server) ?? "", "");
  }
  addWay(elements, classid(overflowNumber(id)), overflow, numbers);
}

/** How what has the number `key` finds its server: by slots, or there is only one. */
function addWay(
  elements: MutableElements,
  key: string,
  { only, slots }: Overflow,
  numbers: ReadonlyMap<PlannedServer, string>,
): void {
  if (slots === null) {
    if (only !== undefined) elements.only.set(key, numbers.get(only) ?? "");
    return;
  }
  const { way, owners } = slots;
  elements.ways.set(key, `jump ${way.name}`);
  owners.forEach((server, slot) => {
    elements[`slots${way.size}`].set(`${key} . ${slot}`, numbers.get(server) ?? "");
  });
}

/** Whether new connections are answered with a reset. */
const refuses = ({ pool, overflow }: Distribution): boolean =>
  pool.serving.length === 0 || (overflow !== null && overflow.only === undefined);

function addForward(elements: MutableElements, distribution: Distribution): void {
  const { service, id, serverNumbers, pool, slots } = distribution;
  const key = classid(id);
  for (const protocol of service.protocols) {
    for (const port of service.ports) {
      elements.services.set(socket(service.address, protocol, port), key);
      if (refuses(distribution)) {
        elements.closed.set(socket(service.address, protocol, port), "");
      }
    }
    for (const range of service.wide) {
      const ports = wideSocket(service.address, protocol, range);
      elements.wideservices.set(ports, key);
      if (refuses(distribution)) elements.wideclosed.set(ports, "");
    }
  }
  const only = pool.serving[0];
  const numbers = new Map(
    service.servers.map((server, index) => [server, classid(serverNumbers[index] ?? 0)]),
  );
  if (service.persistence !== null) addPersistence(elements, distribution, numbers);
  addLimits(elements, distribution, numbers);
  // The server's own place, where the rules have to know which one it is.
  if (slots !== null || service.persistence !== null || service.servers.some(isLimited)) {
    addWay(elements, key, { only, slots }, numbers);
  } else if (only !== undefined) {
    elements.servers.set(key, only.address);
    if (only.port !== 0) elements.serverports.set(key, `${only.port}`);
  }
}

/** The part of one service that no other service touches. */
export function addService(elements: MutableElements, distribution: Distribution): void {
  addServers(elements, distribution);
  addForward(elements, distribution);
}

/** The part that is no service's. */
export function addSurroundings(
  elements: MutableElements,
  { family, floatingIps, arms, passages }: Omit<WantedInput, "distributions">,
): void {
  for (const address of floatingIps) {
    if (familyOf(address) === family) elements.floating.set(address, "");
  }
  for (const arm of arms) elements.arms.set(`"${arm}"`, "");
  addPassages(elements, passages, family);
}

/** The part about servers' packets, which services share; of one server address, or of all. */
export function addServerSide(
  elements: MutableElements,
  distributions: readonly Distribution[],
  address?: string,
): void {
  addReturns(elements, distributions, address);
  addSourceNat(elements, distributions, address);
}

/** What the table shall hold; the same value for the same input, whatever was there before. */
export function wantedElements(input: WantedInput): Elements {
  const elements = noElements();
  const mine = input.distributions.filter(
    ({ service }) => familyOf(service.address) === input.family,
  );
  addSurroundings(elements, input);
  for (const distribution of mine) addService(elements, distribution);
  addServerSide(elements, mine);
  return elements;
}

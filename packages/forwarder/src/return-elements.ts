// return-elements.ts — elements by which servers' packets pass, and find the virtual IP they belong to.
import type { PortRange } from "@lbpair/common";
import { formatPortRange } from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import type { MutableElements } from "./elements.js";
import { belongs, type PlannedServer, type PlannedService, portOnServer } from "./server-plan.js";
import { classid } from "./service-id.js";

/** A server port's claim to belong to one VIP and port. */
interface Claim {
  readonly vip: string;
  readonly vipPort: number;
  readonly id: number;
}

export const socket = (address: string, protocol: string, port: number): string =>
  `${address} . ${protocol} . ${port}`;

/** A wide range of ports, in nftables' own notation. */
export const wideSocket = (address: string, protocol: string, range: PortRange): string =>
  `${address} . ${protocol} . ${formatPortRange(range)}`;

function claim(claims: Map<string, Claim[]>, key: string, mine: Claim): void {
  const others = claims.get(key);
  if (others === undefined) claims.set(key, [mine]);
  else if (!others.some((o) => o.vip === mine.vip && o.vipPort === mine.vipPort)) others.push(mine);
}

/** Of a wide range that comes to one port of the server, first and last stand for all: that is ambiguous. */
const portsOfClaims = (
  { ports, wide }: PlannedService,
  server: PlannedServer,
): readonly number[] =>
  server.port === 0 ? ports : [...ports, ...wide.flatMap(({ first, last }) => [first, last])];

/** Of all servers, or only of those at one address. */
function collectClaims(
  distributions: readonly Distribution[],
  address?: string,
): Map<string, Claim[]> {
  const claims = new Map<string, Claim[]>();
  for (const { service, id } of distributions) {
    for (const server of service.servers) {
      // The node's own page is not reached through the node: nothing of it is forwarded.
      if (!belongs(server) || server.builtIn) continue;
      if ((address ?? server.address) !== server.address) continue;
      for (const protocol of service.protocols) {
        for (const vipPort of portsOfClaims(service, server)) {
          const key = socket(server.address, protocol, portOnServer(server, vipPort));
          claim(claims, key, { vip: service.address, vipPort, id });
        }
      }
    }
  }
  return claims;
}

/** Drained and unhealthy servers stay here: their open connections are still theirs. */
function addReturn(elements: MutableElements, claims: ReadonlyMap<string, readonly Claim[]>): void {
  for (const [key, [claim, ...others]] of claims) {
    elements.toservers.set(key, "");
    elements.fromservers.set(key, "");
    if (claim === undefined) continue;
    if (others.length > 0) elements.ambiguous.set(key, "");
    else if (key.endsWith(` . ${claim.vipPort}`)) elements.vips.set(key, claim.vip);
    else {
      elements.vipids.set(key, classid(claim.id));
      elements.vipaddresses.set(classid(claim.id), claim.vip);
      elements.vipports.set(classid(claim.id), `${claim.vipPort}`);
    }
  }
}

/** A wide range of ports of a server, and the VIP with the same ports that it answers for. */
interface WideClaim {
  readonly range: PortRange;
  readonly vip: string;
}

/** By `server . protocol`. */
function collectWideClaims(
  distributions: readonly Distribution[],
  address?: string,
): Map<string, WideClaim[]> {
  const claims = new Map<string, WideClaim[]>();
  for (const { service } of distributions) {
    const { address: vip, wide, protocols } = service;
    if (wide.length === 0) continue;
    for (const server of service.servers) {
      if (!belongs(server) || server.port !== 0) continue;
      if ((address ?? server.address) !== server.address) continue;
      for (const protocol of protocols) {
        const key = `${server.address} . ${protocol}`;
        const mine = wide.map((range) => ({ range, vip }));
        claims.set(key, [...(claims.get(key) ?? []), ...mine]);
      }
    }
  }
  return claims;
}

const covers = ({ range }: WideClaim, { first, last }: PortRange): boolean =>
  range.first <= first && last <= range.last;

/** The ranges cut where one of them begins or ends, so that no two overlap: the kernel takes no others. */
function disjoint(claims: readonly WideClaim[]): PortRange[] {
  const starts = claims.flatMap(({ range }) => [range.first, range.last + 1]);
  const edges = [...new Set(starts)].sort((a, b) => a - b);
  return edges
    .flatMap((first, i) => {
      const next = edges[i + 1];
      return next === undefined ? [] : { first, last: next - 1 };
    })
    .filter((piece) => claims.some((each) => covers(each, piece)));
}

function addWide(elements: MutableElements, wide: ReadonlyMap<string, readonly WideClaim[]>): void {
  for (const [server, claims] of wide) {
    for (const piece of disjoint(claims)) {
      const key = `${server} . ${formatPortRange(piece)}`;
      const vips = new Set(claims.filter((each) => covers(each, piece)).map(({ vip }) => vip));
      elements.widetoservers.set(key, "");
      elements.widefromservers.set(key, "");
      const [vip, ...others] = vips;
      if (others.length > 0) elements.wideambiguous.set(key, "");
      else if (vip !== undefined) elements.widevips.set(key, vip);
    }
  }
}

const SOCKET = /^(\S+ \. \S+) \. (\d+)$/;

/** A single port that a wide range of another VIP has too belongs to neither. */
function claimByWide(
  claims: Map<string, Claim[]>,
  wide: ReadonlyMap<string, readonly WideClaim[]>,
): void {
  if (wide.size === 0) return;
  for (const key of claims.keys()) {
    const [, server = "", text] = SOCKET.exec(key) ?? [];
    const port = Number(text);
    for (const each of wide.get(server) ?? []) {
      if (!covers(each, { first: port, last: port })) continue;
      claim(claims, key, { vip: each.vip, vipPort: port, id: 0 });
    }
  }
}

/**
 * All of it, or only what is of the servers at one address: it depends on nothing but the services that
 * have a server there.
 */
export function addReturns(
  elements: MutableElements,
  distributions: readonly Distribution[],
  address?: string,
): void {
  const claims = collectClaims(distributions, address);
  const wide = collectWideClaims(distributions, address);
  claimByWide(claims, wide);
  addReturn(elements, claims);
  addWide(elements, wide);
}

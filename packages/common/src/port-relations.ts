// port-relations.ts — ports of several services: claims that meet, and how many there may be.
import type { Loose } from "./loose-parse.js";
import {
  countPorts,
  formatPortRange,
  isWide,
  NARROW_PORTS_MAX,
  type PortRange,
  portRangesOverlap,
} from "./ports.js";
import type { Problem } from "./problems.js";
import {
  CONNECT_PORTS_MAX,
  PORTS_TOTAL_MAX,
  type ServicesConfig,
  WIDE_RANGES_MAX,
} from "./services-schema.js";

type Found = Omit<Problem, "file" | "line">;
type LooseService = Loose<ServicesConfig["virtualServices"][number]>;

interface Claim {
  readonly path: string;
  readonly service: string;
  readonly range: PortRange;
  /** Place in the file; of two claims that meet, the later one is told. */
  readonly order: number;
}

const protocolsOf = (service: LooseService): string[] => {
  if (service.protocol === undefined) return [];
  return service.protocol === "both" ? ["tcp", "udp"] : [service.protocol];
};

/** Every claim to ports, by address and protocol. */
function claimsOf(services: readonly (LooseService | undefined)[]): Map<string, Claim[]> {
  const claims = new Map<string, Claim[]>();
  let order = 0;
  for (const [s, service] of services.entries()) {
    if (service?.address === undefined) continue;
    for (const [p, range] of (service.ports ?? []).entries()) {
      if (range?.first === undefined || range.last === undefined) continue;
      const claim: Claim = {
        path: `virtualServices[${s}].ports[${p}]`,
        service: service.label ?? `virtualServices[${s}]`,
        range: { first: range.first, last: range.last },
        order,
      };
      order += 1;
      for (const protocol of protocolsOf(service)) {
        const key = `${service.address}/${protocol}`;
        const group = claims.get(key);
        if (group === undefined) claims.set(key, [claim]);
        else group.push(claim);
      }
    }
  }
  return claims;
}

/** Two services, or two entries of one, that claim the same address, protocol and port. */
export function checkOverlaps(services: readonly (LooseService | undefined)[]): Found[] {
  const found = new Map<Claim, Found>();
  for (const [key, group] of claimsOf(services)) {
    const sorted = [...group].sort((a, b) => a.range.first - b.range.first || a.order - b.order);
    let widest: Claim | undefined;
    for (const claim of sorted) {
      if (widest !== undefined && portRangesOverlap(widest.range, claim.range)) {
        const [earlier, later] = widest.order < claim.order ? [widest, claim] : [claim, widest];
        const has = `which ${earlier.service} has in ${earlier.path}`;
        const got = `${formatPortRange(later.range)}, ${has}`;
        const want = `ports that no other service claims on ${key}`;
        if (!found.has(later)) found.set(later, { code: "overlap", path: later.path, want, got });
      }
      if (widest === undefined || claim.range.last > widest.range.last) widest = claim;
    }
  }
  return [...found.values()];
}

/** How many elements the kernel would hold for ports, and how many connections a check would open. */
export function checkPortCounts(services: readonly (LooseService | undefined)[]): Found[] {
  const ranges = services.flatMap((service) => knownRanges(service));
  const wide = ranges.filter(isWide);
  const ports = countPorts(ranges.filter((range) => !isWide(range))) + wide.length;
  const found: Found[] = [];
  const refuse = (want: string, got: number) =>
    found.push({ code: "wrong-value", path: "virtualServices", want, got: `${got}` });
  if (ports > PORTS_TOTAL_MAX) refuse(`at most ${PORTS_TOTAL_MAX} ports over all services`, ports);
  if (wide.length > WIDE_RANGES_MAX) {
    const of = `of more than ${NARROW_PORTS_MAX} ports`;
    refuse(`at most ${WIDE_RANGES_MAX} ranges ${of} over all services`, wide.length);
  }
  for (const [i, service] of services.entries()) {
    const open = countPorts(knownRanges(service));
    if (service?.check?.type !== "connect" || open <= CONNECT_PORTS_MAX) continue;
    const want = `a check of one port, e.g. { type: tcp, port: 80 }, where a service has more than ${CONNECT_PORTS_MAX} ports`;
    const path = `virtualServices[${i}].check.type`;
    found.push({ code: "contradiction", path, want, got: `connect to ${open} ports` });
  }
  return found;
}

const knownRanges = (service: LooseService | undefined): PortRange[] =>
  (service?.ports ?? []).flatMap((range) =>
    range?.first === undefined || range.last === undefined
      ? []
      : { first: range.first, last: range.last },
  );

// service-index.ts — which service has an address, protocol and port; built once for many look-ups.
import type { PortRange } from "@lbpair/common";
import type { Distribution } from "./distribution.js";
import type { Elements } from "./elements.js";

export interface SocketOf {
  readonly vip: string;
  readonly protocol: string;
  readonly vipPort: number;
}

/** Ranges with what they stand for; few, so they are looked through one by one. */
class Ranges<T> {
  readonly #byAddress = new Map<string, { readonly range: PortRange; readonly value: T }[]>();

  add(address: string, range: PortRange, value: T): void {
    const ranges = this.#byAddress.get(address);
    if (ranges === undefined) this.#byAddress.set(address, [{ range, value }]);
    else ranges.push({ range, value });
  }

  find(address: string, port: number): T | undefined {
    return this.#byAddress
      .get(address)
      ?.find(({ range }) => range.first <= port && port <= range.last)?.value;
  }
}

export function indexServices(
  distributions: readonly Distribution[],
): (socket: SocketOf) => Distribution | undefined {
  const narrow = new Map<string, Distribution>();
  const wide = new Ranges<Distribution>();
  for (const distribution of distributions) {
    const { service } = distribution;
    for (const protocol of service.protocols) {
      const address = `${service.address} . ${protocol}`;
      for (const port of service.ports) narrow.set(`${address} . ${port}`, distribution);
      for (const range of service.wide) wide.add(address, range, distribution);
    }
  }
  return ({ vip, protocol, vipPort }) => {
    const address = `${vip} . ${protocol}`;
    return narrow.get(`${address} . ${vipPort}`) ?? wide.find(address, vipPort);
  };
}

const WIDE = /^(\S+ \. \S+) \. (\d+)-(\d+)$/;

/** The same of elements that the kernel held: whether any service was there. */
export function indexElements(
  elements: Pick<Elements, "services" | "wideservices"> | null,
): (socket: SocketOf) => boolean {
  if (elements === null) return () => false;
  const wide = new Ranges<true>();
  for (const key of elements.wideservices.keys()) {
    const [, address = "", first, last] = WIDE.exec(key) ?? [];
    wide.add(address, { first: Number(first), last: Number(last) }, true);
  }
  return ({ vip, protocol, vipPort }) => {
    const address = `${vip} . ${protocol}`;
    return elements.services.has(`${address} . ${vipPort}`) || wide.find(address, vipPort) === true;
  };
}

// service-index.ts — whether any service had an address, protocol and port, by elements that are gone.
import type { PortRange } from "@lbpair/common";
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

const WIDE = /^(\S+ \. \S+) \. (\d+)-(\d+)$/;

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

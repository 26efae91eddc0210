// address-list.ts — many addresses, asked whether any of them lies in a network.
import { addressBytes, familyOf, inNetwork } from "@lbpair/common";

const asNumber = (address: string): number =>
  addressBytes(address).reduce((sum, byte) => sum * 256 + byte, 0);

/** Built once for a configuration: parsing the addresses of 10,000 services takes too long for each look. */
export class AddressList {
  /** IPv4, in order. */
  readonly #numbers: Uint32Array;
  readonly #others: readonly string[];

  constructor(addresses: Iterable<string>) {
    const all = [...new Set(addresses)];
    this.#numbers = Uint32Array.from(all.filter((each) => familyOf(each) === 4).map(asNumber));
    this.#numbers.sort();
    this.#others = all.filter((each) => familyOf(each) !== 4);
  }

  meets(network: string, prefixLength: number): boolean {
    if (familyOf(network) !== 4) {
      return this.#others.some((each) => inNetwork(each, network, prefixLength));
    }
    const size = 2 ** (32 - prefixLength);
    const first = Math.floor(asNumber(network) / size) * size;
    const found = this.#numbers[this.#firstFrom(first)];
    return found !== undefined && found < first + size;
  }

  /** Place of the first number that is not below. */
  #firstFrom(least: number): number {
    let [low, high] = [0, this.#numbers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#numbers[middle] ?? 0) < least) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

// link-places.ts — this node's end of each link that carries floating IPs: index, MAC, own addresses.
import { familyOf } from "@lbpair/common/light";
import type { LinkState } from "./adapters/addresses.js";

export interface LinkPlace {
  readonly link: string;
  readonly linkIndex: number;
  readonly mac: string;
  /** An address of this node's own there, by which it may ask in its own name. */
  readonly own4: string | undefined;
  readonly own6: string | undefined;
}

/** By the link's name. */
export type LinkPlaces = Map<string, LinkPlace>;

/** The place of a link; undefined where it has no Ethernet address. */
export function placeOf(state: LinkState, isFloating: (address: string) => boolean) {
  const { link, index, mac, networks } = state;
  if (mac === undefined) return undefined;
  const own = networks.filter(
    ({ address, prefixLength }) =>
      prefixLength < (familyOf(address) === 4 ? 32 : 128) && !isFloating(address),
  );
  const of = (family: 4 | 6) => own.find(({ address }) => familyOf(address) === family)?.address;
  return { link, linkIndex: index, mac, own4: of(4), own6: of(6) };
}

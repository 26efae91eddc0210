// known-neighbours.ts — who else lives on the links of the floating IPs, and when each was last heard.
import type { Millis } from "@lbpair/common";

export interface Neighbour {
  readonly address: string;
  /** Null = not heard yet. */
  readonly mac: string | null;
  readonly heardAt: Millis | null;
  /** Named by the configuration or a route. */
  readonly configured: boolean;
}

/** Neighbours remembered on one link, those heard last; the configured ones come on top. */
export const HEARD_NEIGHBOURS_MAX = 256;

interface LinkNeighbours {
  configured: readonly string[];
  readonly heard: Map<string, { readonly mac: string; readonly at: Millis }>;
  heardAt: Millis | null;
}

export class KnownNeighbours {
  private readonly links = new Map<string, LinkNeighbours>();

  private on(link: string): LinkNeighbours {
    const known = this.links.get(link) ?? { configured: [], heard: new Map(), heardAt: null };
    this.links.set(link, known);
    return known;
  }

  /** The hosts of a link that the configuration and the routes name, the most important first. */
  configure(link: string, addresses: readonly string[]): void {
    this.on(link).configured = [...new Set(addresses)];
  }

  /** Links that carry no floating IP any more are forgotten. */
  keepOnly(links: readonly string[]): void {
    for (const link of this.links.keys()) if (!links.includes(link)) this.links.delete(link);
  }

  heard(link: string, address: string, mac: string, at: Millis): void {
    const known = this.on(link);
    known.heardAt = at;
    // Put in anew, so that the map's order is the order of hearing.
    known.heard.delete(address);
    known.heard.set(address, { mac, at });
    const [oldest] = known.heard.keys();
    if (known.heard.size > HEARD_NEIGHBOURS_MAX && oldest !== undefined) known.heard.delete(oldest);
  }

  /** Somebody was heard there, with no address to remember. */
  heardSomebody(link: string, at: Millis): void {
    this.on(link).heardAt = at;
  }

  /** When anybody was last heard there; null = never. */
  heardAt(link: string): Millis | null {
    return this.links.get(link)?.heardAt ?? null;
  }

  macOf(link: string, address: string): string | null {
    return this.links.get(link)?.heard.get(address)?.mac ?? null;
  }

  /** The configured ones first, in their order; then the others, those heard last first. */
  all(link: string): Neighbour[] {
    const known = this.on(link);
    const of = (address: string): Neighbour => {
      const heard = known.heard.get(address);
      const configured = known.configured.includes(address);
      return { address, mac: heard?.mac ?? null, heardAt: heard?.at ?? null, configured };
    };
    const others = [...known.heard.keys()].reverse();
    return [...new Set([...known.configured, ...others])].map(of);
  }
}

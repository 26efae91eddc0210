// arms.ts — adapter: which interfaces of this node carry services, found by subnet.
import { familyOf, isLinkLocal, mustRun, networkOf, type Run } from "@lbpair/common";
import type { AddressList } from "./address-list.js";

interface LinkJson {
  readonly ifname?: string;
  /** The link underneath, of a macvlan. */
  readonly link?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

/** The heartbeat's devices for virtual MACs: their traffic is that of the link underneath. */
const VIRTUAL = /^lbv/;
export const isVirtual = (arm: string): boolean => VIRTUAL.test(arm);

export interface Arms {
  readonly names: readonly string[];
  /** Their own networks, as `address/length`. */
  readonly networks: readonly string[];
}

export const NO_ARMS: Arms = { names: [], networks: [] };

/** A /32 or /128 is no network: it is how floating IPs themselves are held. */
const networksOf = (link: LinkJson): { readonly address: string; readonly length: number }[] =>
  (link.addr_info ?? []).flatMap(({ local, prefixlen }) => {
    if (local === undefined || prefixlen === undefined || isLinkLocal(local)) return [];
    const isHost = prefixlen === (familyOf(local) === 6 ? 128 : 32);
    return isHost ? [] : { address: networkOf(local, prefixlen), length: prefixlen };
  });

/** The interfaces one of whose own networks contains one of `addresses`. */
export async function findArms(run: Run, addresses: AddressList): Promise<Arms> {
  const { stdout } = await mustRun(run, ["ip", "-j", "addr", "show"]);
  const links = JSON.parse(stdout) as readonly LinkJson[];
  const carries = (link: LinkJson): boolean =>
    networksOf(link).some(({ address, length }) => addresses.meets(address, length));
  const arms = links.filter((link) => link.ifname !== undefined && carries(link));
  const names = arms.map((link) => link.ifname ?? "");
  const virtual = links.flatMap(({ ifname, link }) =>
    ifname !== undefined && isVirtual(ifname) && names.includes(link ?? "") ? ifname : [],
  );
  const networks = arms.flatMap((link) =>
    networksOf(link).map(({ address, length }) => `${address}/${length}`),
  );
  return {
    names: [...names, ...virtual].sort(),
    networks: [...new Set(networks)].sort(),
  };
}

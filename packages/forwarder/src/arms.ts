// arms.ts — adapter: which interfaces of this node carry services, found by subnet.
import { mustRun, type Run } from "@lbpair/common";
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

/**
 * Names of the interfaces one of whose own networks contains one of `addresses`. A /32 or /128 is
 * no network: it is how floating IPs themselves are held.
 */
export async function findArms(run: Run, addresses: AddressList): Promise<string[]> {
  const { stdout } = await mustRun(run, ["ip", "-j", "addr", "show"]);
  const links = JSON.parse(stdout) as readonly LinkJson[];
  const carries = (link: LinkJson): boolean =>
    (link.addr_info ?? []).some(({ local, prefixlen }) => {
      if (local === undefined || prefixlen === undefined) return false;
      if (prefixlen === (local.includes(":") ? 128 : 32)) return false;
      return addresses.meets(local, prefixlen);
    });
  const arms = links.flatMap((link) =>
    link.ifname !== undefined && carries(link) ? link.ifname : [],
  );
  const virtual = links.flatMap(({ ifname, link }) =>
    ifname !== undefined && isVirtual(ifname) && arms.includes(link ?? "") ? ifname : [],
  );
  return [...arms, ...virtual];
}

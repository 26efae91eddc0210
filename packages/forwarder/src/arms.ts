// arms.ts — adapter: which interfaces of this node carry services, found by subnet.
import { inNetwork, mustRun, type Run } from "@lbpair/common";

interface LinkJson {
  readonly ifname?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

/**
 * Names of the interfaces one of whose own networks contains one of `addresses`. A /32 or /128 is
 * no network: it is how floating IPs themselves are held.
 */
export async function findArms(run: Run, addresses: readonly string[]): Promise<string[]> {
  const { stdout } = await mustRun(run, ["ip", "-j", "addr", "show"]);
  const links = JSON.parse(stdout) as readonly LinkJson[];
  const carries = (link: LinkJson): boolean =>
    (link.addr_info ?? []).some(({ local, prefixlen }) => {
      if (local === undefined || prefixlen === undefined) return false;
      if (prefixlen === (local.includes(":") ? 128 : 32)) return false;
      return addresses.some((address) => inNetwork(address, local, prefixlen));
    });
  return links.flatMap((link) => (link.ifname !== undefined && carries(link) ? link.ifname : []));
}

// own-interfaces.ts — the addresses this node has now, asked of `ip`.
import { mustRun, normalAddress, type Run } from "@lbpair/common";
import type { OwnAddress } from "./core/fits-node.js";

interface IpLink {
  readonly ifname?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

/** Throws CommandError where `ip` fails. */
export async function ownAddresses(run: Run): Promise<OwnAddress[]> {
  const { stdout } = await mustRun(run, ["ip", "-j", "addr", "show"], { timeoutMs: 3000 });
  const links = JSON.parse(stdout) as readonly IpLink[];
  return links.flatMap((link) =>
    (link.addr_info ?? []).flatMap((one): OwnAddress[] => {
      const address = one.local === undefined ? undefined : normalAddress(one.local);
      if (address === undefined || one.prefixlen === undefined) return [];
      return [{ link: link.ifname ?? "?", address, prefixLength: one.prefixlen }];
    }),
  );
}

// own-addresses.ts — the addresses this node has now, asked of `ip`.
import { normalAddress } from "./address.js";
import type { OwnAddress } from "./fits-node.js";
import { mustRun, type Run } from "./run.js";

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `ip -j addr` as own addresses; parts it does not understand are left out. */
export function readOwnAddresses(text: string): OwnAddress[] {
  const links = JSON.parse(text) as unknown;
  if (!Array.isArray(links)) return [];
  return links.filter(isRecord).flatMap((link) => {
    const infos = Array.isArray(link.addr_info) ? link.addr_info.filter(isRecord) : [];
    return infos.flatMap((info): OwnAddress[] => {
      const address = typeof info.local === "string" ? normalAddress(info.local) : undefined;
      if (address === undefined || typeof info.prefixlen !== "number") return [];
      const dynamic = info.dynamic === true;
      return [{ link: String(link.ifname), address, prefixLength: info.prefixlen, dynamic }];
    });
  });
}

/** This node's addresses; throws CommandError where `ip` fails. */
export async function ownAddresses(run: Run): Promise<OwnAddress[]> {
  const { stdout } = await mustRun(run, ["ip", "-j", "addr", "show"], { timeoutMs: 3000 });
  return readOwnAddresses(stdout);
}

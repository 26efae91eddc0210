// virtual-link.ts — the devices that carry virtual MACs: macvlans on the links of floating IPs, made and removed by `ip`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError, familyOf, type Run } from "@lbpair/common/light";
import type { VirtualMac } from "../core/virtual-mac.js";
import { parseBatchErrors } from "./ip-errors.js";

export interface VirtualLinks {
  /**
   * Removes the devices in the way, makes those wanted and brings them up; one that is there stays.
   * Answers with the links whose device could not be made, and why. The gate must know the MACs
   * before: a device is silent by the gate alone.
   */
  make(
    wanted: readonly VirtualMac[],
    inTheWay: readonly string[],
  ): Promise<ReadonlyMap<string, string>>;
  /** One that is not there is fine. */
  remove(devices: readonly string[]): Promise<void>;
}

/** How a person, and `ip link`, recognises them. */
export const VIRTUAL_ALIAS = "lbpair-virtual-mac";
const IP_TIMEOUT_MS = 3000;

/**
 * The dummy address (RFC 7600), on this node only. While `net.ipv4.conf.all.rp_filter` is 2, Linux
 * drops whatever arrives at a device without any address, which a passive node's would be.
 */
export const DUMMY_ADDRESS = "192.0.0.8";

/**
 * Private: what others that share the link send to each other is none of its business. No IPv6
 * address that the kernel would make up and announce (addrgenmode). Made first, then set up.
 */
const makeLines = ({ link, device, mac }: VirtualMac): string[] => [
  `link add link ${link} name ${device} address ${mac} type macvlan mode private`,
  `link set dev ${device} alias ${VIRTUAL_ALIAS} addrgenmode none`,
  `addr replace ${DUMMY_ADDRESS}/32 dev ${device} scope host`,
];

/** Settings of a device by family, those that keep it silent first; nobody else sets them before it is up. */
export function deviceSettings(
  addresses: readonly string[],
): Record<string, Record<string, string>> {
  const ipv6 = addresses.some((address) => familyOf(address) === 6);
  return {
    ipv6: {
      disable_ipv6: ipv6 ? "0" : "1",
      accept_ra: "0",
      autoconf: "0",
      dad_transmits: "0",
      router_solicitations: "0",
    },
    ipv4: {
      // The way back is by the link underneath, which has the network.
      rp_filter: "0",
      arp_ignore: "1",
      arp_announce: "2",
      send_redirects: "0",
      promote_secondaries: "1",
    },
  };
}

function settle({ device, addresses }: VirtualMac, root: string): void {
  for (const [family, settings] of Object.entries(deviceSettings(addresses))) {
    for (const [key, value] of Object.entries(settings)) {
      try {
        writeFileSync(join(root, "net", family, "conf", device, key), value);
      } catch {
        // Read-only in a container, or no IPv6: the gate keeps the device silent all the same, and
        // the forwarder reports what forwarding needs.
      }
    }
  }
}

export function createVirtualLinks(run: Run, sysctlRoot = "/proc/sys"): VirtualLinks {
  /** The lines that failed, by index, with the reason. */
  const batch = async (lines: readonly string[]): Promise<ReadonlyMap<number, string>> => {
    if (lines.length === 0) return new Map();
    const input = `${lines.join("\n")}\n`;
    const result = await run(["ip", "-force", "-batch", "-"], { input, timeoutMs: IP_TIMEOUT_MS });
    if (result.code === 0) return new Map();
    const errors = parseBatchErrors(result.stderr);
    if (errors.size === 0) throw new CommandError(result);
    return new Map([...errors].map(([line, why]) => [line - 1, why]));
  };
  const removeLines = (devices: readonly string[]) => devices.map((name) => `link del dev ${name}`);
  return {
    async make(wanted, inTheWay) {
      const failed = new Map<string, string>();
      const before = removeLines(inTheWay);
      const lines = wanted.map(makeLines);
      const refused = await batch([...before, ...lines.flat()]);
      wanted.forEach(({ link }, i) => {
        const why = refused.get(before.length + lines.slice(0, i).flat().length);
        // There already, and right: it was only down.
        if (why !== undefined && !/File exists/.test(why)) failed.set(link, why);
      });
      const made = wanted.filter(({ link }) => !failed.has(link));
      for (const one of made) settle(one, sysctlRoot);
      const down = await batch(made.map(({ device }) => `link set dev ${device} up`));
      for (const [i, why] of down) failed.set(made[i]?.link ?? "", why);
      return failed;
    },
    async remove(devices) {
      await batch(removeLines(devices));
    },
  };
}

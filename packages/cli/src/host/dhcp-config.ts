// dhcp-config.ts — which links a machine's own network configuration leases addresses for (P11).
//
// A lease that is renewed with another address makes its client flush the link, floating IPs included.
import { readYaml } from "@lbpair/common";

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Glob patterns of links with IPv4 by DHCP, as one configuration file has them. Never throws. */
export function leasedLinks(file: string, text: string): string[] {
  if (file.endsWith(".network")) return networkd(text);
  if (file.endsWith(".nmconnection")) return networkManager(text);
  if (/\.ya?ml$/.test(file)) return netplan(text);
  return ifupdown(text);
}

/** interfaces(5): "iface eth0 inet dhcp". */
const ifupdown = (text: string): string[] =>
  [...text.matchAll(/^[ \t]*iface[ \t]+(\S+)[ \t]+inet[ \t]+dhcp\b/gm)].map(
    ([, link = ""]) => link,
  );

/** Sections of an INI file; keys of one section that come more than once are all kept. */
function sections(text: string): Map<string, [key: string, value: string][]> {
  const found = new Map<string, [string, string][]>();
  let current: [string, string][] = [];
  for (const line of text.split("\n")) {
    const title = /^\s*\[(.+)\]\s*$/.exec(line)?.[1];
    if (title !== undefined) {
      current = found.get(title) ?? [];
      found.set(title, current);
    }
    const [, key, value] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) current.push([key, value]);
  }
  return found;
}

const valuesOf = (section: [string, string][] | undefined, key: string): string[] =>
  (section ?? []).filter(([name]) => name === key).map(([, value]) => value);

/** systemd.network(5): DHCP= in [Network], Name= in [Match]; without a name the file matches every link. */
function networkd(text: string): string[] {
  const found = sections(text);
  const dhcp = valuesOf(found.get("Network"), "DHCP").at(-1)?.toLowerCase() ?? "no";
  if (!["yes", "true", "on", "1", "ipv4", "both"].includes(dhcp)) return [];
  const names = valuesOf(found.get("Match"), "Name").flatMap((value) => value.split(/\s+/));
  if (names.length > 0) return names;
  // Matched by something else (a MAC, a driver): which link that is cannot be told from here.
  return (found.get("Match") ?? []).length > 0 ? [] : ["*"];
}

/** nm-settings-keyfile(5): method=auto in [ipv4], interface-name in [connection]. */
function networkManager(text: string): string[] {
  const found = sections(text);
  if (valuesOf(found.get("ipv4"), "method").at(-1) !== "auto") return [];
  return valuesOf(found.get("connection"), "interface-name");
}

/** netplan(5): dhcp4 of a device, which is named by its key unless it says what it matches. */
function netplan(text: string): string[] {
  const read = readYaml(text, "netplan");
  const value = read.ok ? read.value.value : undefined;
  const network = isRecord(value) && isRecord(value.network) ? value.network : {};
  return Object.values(network)
    .filter(isRecord)
    .flatMap((devices) =>
      Object.entries(devices).flatMap(([name, device]) => {
        if (!isRecord(device) || device.dhcp4 !== true) return [];
        const match = isRecord(device.match) ? device.match.name : name;
        return typeof match === "string" ? [match] : [];
      }),
    );
}

/** Whether a pattern of such a file (`*`, `?`, `[…]`) names the link. */
export function namesLink(pattern: string, link: string): boolean {
  const expression = pattern
    .replaceAll(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  try {
    return new RegExp(`^${expression}$`).test(link);
  } catch {
    return false;
  }
}

// dhcp-files.ts — reads how this machine configures its links, for DHCP on those that carry floating IPs.
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "@lbpair/common";
import { leasedLinks, namesLink } from "./dhcp-config.js";

const FOLDERS = [
  ["network/interfaces.d", /^[\w.-]+$/],
  ["systemd/network", /\.network$/],
  ["NetworkManager/system-connections", /\.nmconnection$/],
  ["netplan", /\.ya?ml$/],
] as const;

async function filesBelow(root: string): Promise<string[]> {
  const lists = FOLDERS.map(async ([folder, name]) => {
    const names = await readdir(join(root, folder)).catch((): string[] => []);
    return names
      .filter((each) => name.test(each))
      .sort()
      .map((each) => join(root, folder, each));
  });
  return [join(root, "network/interfaces"), ...(await Promise.all(lists)).flat()];
}

/** Whether the machine's configuration is about the network this process is in: not in a lab's namespace. */
async function isMachinesNetwork(): Promise<boolean> {
  const of = (process: string) => readlink(`/proc/${process}/ns/net`).catch(() => "");
  const own = await of("self");
  return own !== "" && own === (await of("1"));
}

/** Links that carry floating IPs and are configured for DHCP. Files that cannot be read are passed over. */
export async function judgeDhcpFiles(
  links: readonly string[],
  options: { readonly root?: string; readonly concerned?: () => Promise<boolean> } = {},
): Promise<Problem[]> {
  const { root = "/etc", concerned = isMachinesNetwork } = options;
  if (!(await concerned())) return [];
  const found: Problem[] = [];
  for (const file of await filesBelow(root)) {
    const text = await readFile(file, "utf8").catch(() => "");
    const patterns = leasedLinks(file, text);
    for (const link of links.filter((each) => patterns.some((one) => namesLink(one, each)))) {
      const want = `a fixed address on ${link}, which carries floating IPs`;
      found.push({ code: "contradiction", path: "", want, got: "DHCP", file });
    }
  }
  return found;
}

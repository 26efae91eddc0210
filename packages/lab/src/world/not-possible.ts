// not-possible.ts — why the lab cannot run on this machine, so that nothing is skipped silently.
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { runCommand } from "@lbpair/common";

const PROGRAMS = [
  "ip",
  "nft",
  "conntrack",
  "tc",
  "sysctl",
  "setpriv",
  "sshd",
  "ssh-keygen",
  "storescp",
  "storescu",
  "echoscu",
  "dump2dcm",
] as const;
/** Where Debian keeps administrators' programs, in nobody's PATH but root's. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/sbin"];

async function isThere(program: string): Promise<boolean> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...SYSTEM_FOLDERS];
  for (const folder of folders) {
    try {
      await access(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // Then perhaps in the next one.
    }
  }
  return false;
}

/** One sentence, or undefined where the lab can run. Tries, and removes, one namespace. */
export async function labNotPossible(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "the lab needs root, for network namespaces";
  const missing: string[] = [];
  for (const program of PROGRAMS) if (!(await isThere(program))) missing.push(program);
  if (missing.length > 0) {
    return `the lab needs ${missing.join(", ")}: run scripts/setup-debian.sh`;
  }
  const name = `lbp-try-${process.pid}`;
  const made = await runCommand(["ip", "netns", "add", name]);
  if (made.code !== 0) return `this kernel makes no network namespace: ${made.stderr.trim()}`;
  const rules = "table ip try {\nchain c {\ntype nat hook prerouting priority dstnat\n}\n}\n";
  const nft = await runCommand(["ip", "netns", "exec", name, "nft", "-f", "-"], { input: rules });
  await runCommand(["ip", "netns", "delete", name]);
  const [said = ""] = nft.stderr.split("\n");
  return nft.code === 0 ? undefined : `this kernel has no nftables NAT: ${said}`;
}

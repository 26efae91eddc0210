// host-facts.ts — what `check` has to know of this machine: addresses, scripts, secrets, firewall.
import { access, constants, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type AppliancePaths,
  mustRun,
  normalAddress,
  type OwnAddress,
  type Problem,
  type Run,
} from "@lbpair/common";
import { isRecord } from "../verbs/answer.js";
import { type NftRuleset, readNftRuleset } from "./nft-ruleset.js";

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

/** All rules of the kernel; throws CommandError where `nft` is absent or not permitted. */
export async function kernelRuleset(run: Run): Promise<NftRuleset> {
  const { stdout, truncated } = await mustRun(run, ["nft", "-j", "list", "ruleset"], {
    timeoutMs: 10_000,
    outputBytesMax: 64 * 1024 * 1024,
  });
  if (truncated) throw new Error("nft -j list ruleset: more than 64 MiB of rules");
  return readNftRuleset(stdout);
}

/** Names in a folder of scripts, and a problem for each that cannot be run. */
export async function scriptsIn(
  folder: string,
): Promise<{ readonly names: ReadonlySet<string>; readonly problems: readonly Problem[] }> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const problems: Problem[] = [];
  const names = new Set<string>();
  for (const name of entries.sort()) {
    const path = join(folder, name);
    const isFile = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    if (!isFile) continue;
    names.add(name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!runs) {
      const want = "an executable file (chmod +x)";
      problems.push({
        code: "script-not-executable",
        path: name,
        want,
        got: "one that is not",
        file: path,
      });
    }
  }
  return { names, problems };
}

interface Secret {
  readonly file: string;
  readonly want: string;
  readonly fits: (text: string) => boolean;
  readonly secret: boolean;
}

const secretsOf = (paths: AppliancePaths): readonly Secret[] => [
  {
    file: paths.heartbeatKeyFile,
    want: "the pair's heartbeat key, 64 hex digits",
    fits: (text) => /^[0-9a-f]{64}$/i.test(text.trim()),
    secret: true,
  },
  {
    file: paths.replicationKeyFile,
    want: "this node's SSH private key for the peer",
    fits: (text) => text.includes("PRIVATE KEY"),
    secret: true,
  },
  {
    file: paths.peerHostKeyFile,
    want: "the peer's SSH host key, one line like ssh-ed25519 AAAA…",
    fits: (text) => /^\S+ [A-Za-z0-9+/=]+/.test(text.trim()),
    secret: false,
  },
];

/** What a pair needs and this node has not; never shows a secret. */
export async function judgeSecrets(paths: AppliancePaths): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const { file, want, fits, secret } of secretsOf(paths)) {
    const refuse = (got: string): void => {
      problems.push({ code: "secret-missing", path: "", want, got, file });
    };
    try {
      if (!fits(await readFile(file, "utf8"))) refuse("something else");
      const { mode } = await stat(file);
      if (secret && (mode & 0o077) !== 0) {
        refuse(`mode 0${(mode & 0o777).toString(8)}, which lets others read it (chmod 600)`);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      refuse(code === "ENOENT" ? "no file" : `a file that cannot be read (${code ?? "error"})`);
    }
  }
  return problems;
}

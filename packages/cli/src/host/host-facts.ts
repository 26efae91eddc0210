// host-facts.ts — what `check` has to know of this machine: addresses, scripts, secrets, firewall.
import { access, constants, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type AppliancePaths, mustRun, type Problem, type Run } from "@lbpair/common";
import { type NftRuleset, readNftRuleset } from "./nft-ruleset.js";

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

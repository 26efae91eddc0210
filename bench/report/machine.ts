// machine.ts — what has to be known of the machine to read the figures, and nothing that names it.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";

const said = (file: string, argv: readonly string[]): string => {
  try {
    return execFileSync(file, argv, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  } catch {
    return "not known";
  }
};

const packageVersion = (name: string): string =>
  existsSync("/usr/bin/dpkg-query")
    ? (said("dpkg-query", ["--show", name]).split("\t")[1] ?? "not known")
    : "not known";

/** Such as `1a2b3c4`, and whether files differ from it. */
function commit(): string {
  const id = said("git", ["rev-parse", "--short", "HEAD"]);
  const changed = said("git", ["status", "--porcelain", "--", "packages", "bench"]);
  return changed === "" ? id : `${id} with changes`;
}

/** `compared`: what each product is called, and Debian's package of it. */
export const machineLines = (compared: readonly (readonly [string, string])[]): string[] => [
  `commit ${commit()}, Node ${process.version}`,
  `${cpus().length} cores, Linux ${release().split(".").slice(0, 2).join(".")}, load at the start ${loadavg()[0]?.toFixed(1)}`,
  `${compared.map(([name, of]) => `${name} ${packageVersion(of)}`).join(", ")} (Debian's packages)`,
];

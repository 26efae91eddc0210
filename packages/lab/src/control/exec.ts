// exec.ts — a command inside a host of the running lab, on the caller's own terminal.
import { spawn } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { appliancePathsIn } from "../world/appliance-files.js";
import { APPLIANCES, type ApplianceName, type HostName, namespaceOf } from "../world/plan.js";
import type { LabRecord } from "../world/registry.js";
import { CLI } from "../world/world.js";

/** A folder with `lbpair` in it, to be found first inside the appliances. */
async function commandFolder(lab: LabRecord): Promise<string> {
  const folder = join(lab.folder, "bin");
  await mkdir(folder, { recursive: true });
  const script = `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`;
  await writeFile(join(folder, "lbpair"), script);
  await chmod(join(folder, "lbpair"), 0o755);
  return folder;
}

async function environment(lab: LabRecord, host: HostName): Promise<NodeJS.ProcessEnv> {
  const name = APPLIANCES.find((appliance): appliance is ApplianceName => appliance === host);
  if (name === undefined) return process.env;
  const paths = appliancePathsIn(lab.folder, name);
  return {
    ...process.env,
    PATH: `${await commandFolder(lab)}:${process.env.PATH ?? ""}`,
    LBPAIR_ETC: paths.etc,
    LBPAIR_STATE: paths.state,
    LBPAIR_RUN: paths.run,
  };
}

/** Runs it and answers its exit code; a shell where no command is given. */
export async function execIn(
  lab: LabRecord,
  host: HostName,
  argv: readonly string[],
): Promise<number> {
  const command = argv.length === 0 ? [process.env.SHELL ?? "/bin/sh"] : argv;
  const env = await environment(lab, host);
  const child = spawn("ip", ["netns", "exec", namespaceOf(lab.id, host), ...command], {
    stdio: "inherit",
    env,
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

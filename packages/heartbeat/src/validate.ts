// validate.ts — a process of its own: validates the configuration in force, prints it, keeps it for the next start.
import { fingerprintOf, loadRunning, pathsFrom, writeRunningCache } from "@lbpair/common";
import { validatedFile } from "./validate-apart.js";

const { paths } = pathsFrom(process.argv.slice(2), process.env);
const before = await fingerprintOf(paths).catch(() => undefined);
const running = await loadRunning(paths);
process.stdout.write(JSON.stringify(running));
// Files that changed while they were read may be of either moment: nothing is kept of them.
if (running.ok && before !== undefined && before === (await fingerprintOf(paths))) {
  // Behind the answer: a disk that hangs delays the next start, not this one.
  await writeRunningCache(validatedFile(paths), before, running.value).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  });
}

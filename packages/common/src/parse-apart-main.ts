// parse-apart-main.ts — a process of its own: parses the services.yaml on its standard input, prints and keeps the result.
import { text } from "node:stream/consumers";
import { parseServices } from "./config-file.js";
import { writeKept } from "./running-cache.js";

const [file = "services.yaml", keptFile, fingerprint = ""] = process.argv.slice(2);
const parsed = parseServices(await text(process.stdin), file);
process.stdout.write(JSON.stringify(parsed));
if (parsed.ok && keptFile !== undefined) {
  // Behind the answer: a disk that hangs delays the next start, not this one.
  await writeKept(keptFile, fingerprint, parsed).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  });
}

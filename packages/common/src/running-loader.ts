// running-loader.ts — the configuration in force, read again and again: a text that is known is not parsed again.
import { join } from "node:path";
import { parseAppliance, parseModes, parseServices } from "./config-file.js";
import { digestOf, PARSED_HERE_BYTES_MAX, parseServicesApart } from "./parse-apart.js";
import type { AppliancePaths, Daemon } from "./paths.js";
import type { Parsed } from "./problems.js";
import type { Run } from "./run.js";
import { type FileParser, loadRunning, type Running, readTextFile } from "./running.js";
import type { ServicesConfig } from "./services-schema.js";

export interface RunningLoader {
  /** What did not change since the last answer is the very same object. */
  load(): Promise<Parsed<Running>>;
  /** The saved services.yaml, which may not be in force. */
  candidate(): Promise<Parsed<ServicesConfig>>;
}

/** The result for the text that came last; one that was refused is tried again. */
function remembering<T>(parse: FileParser<T>): FileParser<T> {
  let last: { readonly digest: string; readonly parsed: Parsed<T> } | undefined;
  return async (text, file) => {
    const digest = digestOf(`${file}\n${text}`);
    if (last?.digest === digest) return last.parsed;
    const parsed = await parse(text, file);
    if (parsed.ok) last = { digest, parsed };
    return parsed;
  };
}

export function createRunningLoader(
  paths: AppliancePaths,
  run: Run,
  daemon: Daemon,
): RunningLoader {
  const services = (kept: string) =>
    remembering((text: string, file: string) => {
      if (text.length <= PARSED_HERE_BYTES_MAX) return parseServices(text, file);
      const keptFile = join(paths.daemonState(daemon), kept);
      return parseServicesApart(text, file, { run, keptFile });
    });
  const parsers = {
    appliance: remembering(parseAppliance),
    modes: remembering(parseModes),
    services: services("parsed-services.json"),
  };
  const candidates = services("parsed-candidate.json");
  return {
    load: () => loadRunning(paths, parsers),
    async candidate() {
      const text = await readTextFile(paths.servicesFile);
      return candidates(text ?? "", paths.servicesFile);
    },
  };
}

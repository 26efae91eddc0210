// parse-apart.ts — a large services.yaml is parsed by a process of its own, once for each text.
//
// Its YAML takes seconds and hundreds of megabytes; in a daemon everything else would wait for as long,
// and the memory would never be given back. The result is kept for the next start.
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Parsed, Problem } from "./problems.js";
import type { Run } from "./run.js";
import { fingerprintOfText, readKept } from "./running-cache.js";
import type { ServicesConfig } from "./services-schema.js";

/** A text up to this length takes less time here than a process of its own takes to start. */
export const PARSED_HERE_BYTES_MAX = 64 * 1024;
const PARSE_TIMEOUT_MS = 60_000;
/** More than the largest configuration takes as JSON. */
const PARSED_BYTES_MAX = 64 * 1024 * 1024;

const isParsed = (value: unknown): value is Parsed<ServicesConfig> =>
  typeof value === "object" && value !== null && "ok" in value;

/** `keptFile` is where the result is kept. Never throws: a parser that fails to run is a problem too. */
export async function parseServicesApart(
  text: string,
  file: string,
  { run, keptFile }: { readonly run: Run; readonly keptFile: string },
): Promise<Parsed<ServicesConfig>> {
  const fingerprint = await fingerprintOfText(`${file}\n${text}`);
  const kept = await readKept<Parsed<ServicesConfig>>(keptFile, fingerprint);
  if (kept !== undefined) return kept;
  const program = fileURLToPath(new URL("./parse-apart-main.js", import.meta.url));
  const said = await run([process.execPath, program, file, keptFile, fingerprint], {
    input: text,
    timeoutMs: PARSE_TIMEOUT_MS,
    outputBytesMax: PARSED_BYTES_MAX,
  });
  try {
    const parsed: unknown = JSON.parse(said.stdout);
    if (said.code === 0 && isParsed(parsed)) return parsed;
  } catch {
    // Said below, with what came.
  }
  const got = said.timedOut ? "no answer" : said.stderr.trim().slice(0, 500) || "nothing";
  const want = "a process that parses it";
  const problem: Problem = { code: "file-missing", path: "", want, got, file };
  return { ok: false, problems: [problem] };
}

export const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

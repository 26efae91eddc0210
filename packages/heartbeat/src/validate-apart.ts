// validate-apart.ts — the configuration is parsed and checked by a process of its own.
//
// Reading the YAML of a large configuration takes seconds, and for as long the heartbeat would neither
// advertise nor keep its lease: applying a change would move the addresses.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AppliancePaths, Parsed, Problem, Run, Running } from "@lbpair/common/light";

const VALIDATE_TIMEOUT_MS = 60_000;
/** More than the largest configuration takes as JSON. */
const VALIDATED_BYTES = 64 * 1024 * 1024;

/** Where the result is kept for the next start. */
export const validatedFile = (paths: AppliancePaths): string =>
  join(paths.daemonState("heartbeat"), "validated.json");

const isParsed = (value: unknown): value is Parsed<Running> =>
  typeof value === "object" && value !== null && "ok" in value;

/** Never throws: a validation that fails to run is a problem too. */
export async function validateApart(paths: AppliancePaths, run: Run): Promise<Parsed<Running>> {
  const program = fileURLToPath(new URL("./validate.js", import.meta.url));
  const { etc, state } = paths;
  // A helper inherits the daemon's real-time scheduling, and would take its turn from it.
  const ordinary = ["chrt", "--other", "0"];
  const argv = [...ordinary, process.execPath, program, "--etc", etc, "--state", state];
  const said = await run(argv, {
    timeoutMs: VALIDATE_TIMEOUT_MS,
    outputBytesMax: VALIDATED_BYTES,
  });
  try {
    const parsed: unknown = JSON.parse(said.stdout);
    if (said.code === 0 && isParsed(parsed)) return parsed;
  } catch {
    // Said below, with what came.
  }
  const got = said.timedOut ? "no answer" : said.stderr.trim().slice(0, 500) || "nothing";
  const want = "a validation of the configuration";
  const problem: Problem = { code: "file-missing", path: "", want, got, file: paths.running };
  return { ok: false, problems: [problem] };
}

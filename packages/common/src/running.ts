// running.ts — the configuration in force on this node, as every daemon reads it.
import { readFile } from "node:fs/promises";
import type { ApplianceConfig } from "./appliance-schema.js";
import { parseAppliance, parseModes, parseServices } from "./config-file.js";
import { type ModesConfig, NO_MODES } from "./modes-schema.js";
import type { AppliancePaths } from "./paths.js";
import type { Parsed, Problem } from "./problems.js";
import type { ServicesConfig } from "./services-schema.js";
import type { RevisionId } from "./status.js";

/** `revision.json` of a revision's folder. */
export interface RevisionRecord extends RevisionId {
  readonly author: string;
  /** Wall time, ISO 8601. */
  readonly at: string;
  readonly reason: string;
}

export interface Running {
  readonly services: ServicesConfig;
  readonly modes: ModesConfig;
  readonly appliance: ApplianceConfig;
  /** null where nothing was ever applied; then the services are empty. */
  readonly revision: RevisionRecord | null;
}

/** Longest file that is read at all; a longer one is refused by its size. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** The text of a file; undefined where there is none. Other errors (permissions, disk) are thrown. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

const missing = (file: string): Problem => ({
  code: "file-missing",
  path: "",
  want: "a file",
  got: "none",
  file,
});

function parseRevision(text: string, file: string): Parsed<RevisionRecord> {
  try {
    const record = JSON.parse(text) as RevisionRecord;
    if (Number.isSafeInteger(record.serial) && typeof record.hash === "string") {
      return { ok: true, value: record, warnings: [] };
    }
  } catch {
    // Said below, with what came.
  }
  const got = JSON.stringify(text.slice(0, 60));
  return {
    ok: false,
    problems: [{ code: "wrong-value", path: "", want: "a revision record", got, file }],
  };
}

/** Reads all that is in force; every problem of every file at once. */
export async function loadRunning(paths: AppliancePaths): Promise<Parsed<Running>> {
  const applianceText = await readTextFile(paths.applianceFile);
  const servicesText = await readTextFile(paths.runningServicesFile);
  const modesText = await readTextFile(paths.modesFile);
  const revisionText = await readTextFile(paths.runningRevisionFile);
  const appliance: Parsed<ApplianceConfig> =
    applianceText === undefined
      ? { ok: false, problems: [missing(paths.applianceFile)] }
      : parseAppliance(applianceText, paths.applianceFile);
  const services = parseServices(servicesText ?? "", paths.runningServicesFile);
  const modes: Parsed<ModesConfig> =
    modesText === undefined
      ? { ok: true, value: NO_MODES, warnings: [] }
      : parseModes(modesText, paths.modesFile);
  const revision: Parsed<RevisionRecord | null> =
    revisionText === undefined
      ? { ok: true, value: null, warnings: [] }
      : parseRevision(revisionText, paths.runningRevisionFile);
  const parts = [appliance, services, modes, revision];
  const problems = parts.flatMap((part) => (part.ok ? [] : part.problems));
  if (!appliance.ok || !services.ok || !modes.ok || !revision.ok) return { ok: false, problems };
  return {
    ok: true,
    value: {
      appliance: appliance.value,
      services: services.value,
      modes: modes.value,
      revision: revision.value,
    },
    warnings: [...services.warnings, ...appliance.warnings],
  };
}

// running.ts — the configuration in force on this node, as every daemon reads it.
import { readFile, realpath, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import type { ApplianceConfig } from "./appliance-schema.js";
import { parseAppliance, parseModes, parseServices } from "./config-file.js";
import { type ModesConfig, NO_MODES } from "./modes-schema.js";
import type { AppliancePaths } from "./paths.js";
import { type Parsed, type Problem, ProblemsError } from "./problems.js";
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

/**
 * The text of a file; undefined where there is none. Throws for other errors (permissions, disk) and
 * ProblemsError for a file longer than FILE_BYTES_MAX.
 */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX) {
      const want = `at most ${FILE_BYTES_MAX} bytes`;
      const got = `${size} bytes`;
      throw new ProblemsError([{ code: "file-too-large", path: "", want, got, file: path }]);
    }
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

export type FileParser<T> = (text: string, file: string) => Parsed<T> | Promise<Parsed<T>>;

/** How each file becomes a value. */
export interface Parsers {
  readonly appliance: FileParser<ApplianceConfig>;
  readonly services: FileParser<ServicesConfig>;
  readonly modes: FileParser<ModesConfig>;
}

const PARSERS: Parsers = {
  appliance: parseAppliance,
  services: parseServices,
  modes: parseModes,
};

/** Reads and parses one file; `absent` answers for one that is not there. Never throws. */
async function load<T>(
  file: string,
  parse: FileParser<T>,
  absent: () => ReturnType<FileParser<T>>,
): Promise<Parsed<T>> {
  try {
    const text = await readTextFile(file);
    return await (text === undefined ? absent() : parse(text, file));
  } catch (error) {
    if (error instanceof ProblemsError) return { ok: false, problems: error.problems };
    const got = error instanceof Error ? error.message : String(error);
    const want = "a file that can be read";
    return { ok: false, problems: [{ code: "file-missing", path: "", want, got, file }] };
  }
}

/** Reads all that is in force; every problem of every file at once. */
export async function loadRunning(
  paths: AppliancePaths,
  parsers: Parsers = PARSERS,
): Promise<Parsed<Running>> {
  // The link may be moved to another revision meanwhile: it is followed once, then everything is of that one.
  const folder = await realpath(paths.running).catch(() => paths.running);
  const inForce = (path: string): string => join(folder, relative(paths.running, path));
  const servicesFile = inForce(paths.runningServicesFile);
  const revisionFile = inForce(paths.runningRevisionFile);
  const [appliance, services, modes, revision] = await Promise.all([
    load(paths.applianceFile, parsers.appliance, () => ({
      ok: false,
      problems: [missing(paths.applianceFile)],
    })),
    load(servicesFile, parsers.services, () => parsers.services("", servicesFile)),
    load(paths.modesFile, parsers.modes, () => ({ ok: true, value: NO_MODES, warnings: [] })),
    load<RevisionRecord | null>(revisionFile, parseRevision, () => ({
      ok: true,
      value: null,
      warnings: [],
    })),
  ]);
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
    warnings: parts.flatMap((part) => (part.ok ? part.warnings : [])),
  };
}

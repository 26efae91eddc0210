// running-cache.ts — the configuration in force as it was last validated, for a start that cannot wait.
//
// Validation is a function of the files' text and of the program. Where neither has changed since, its
// result has not either: it is taken from a file, and no schema and no YAML has to be loaded. Any
// difference, and any doubt, means the whole way.
import { createHash } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { AppliancePaths } from "./paths.js";
import { ensureFolder, replaceFile } from "./replace-file.js";
import type { Running } from "./running.js";
import { VERSION } from "./version.js";

/** Parts of the program that decide what a text means: a build without a new version changes it too. */
const JUDGES = [
  "appliance-check",
  "appliance-schema",
  "config-check",
  "config-file",
  "field",
  "modes-schema",
  "services-schema",
  "value-schemas",
];
const FORMAT = 1;

/** A file's bytes; undefined where there is none. Throws for anything else. */
async function bytesOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

const judgeFiles = (): string[] =>
  JUDGES.map((name) => new URL(`./${name}.js`, import.meta.url).pathname);

/** A name for one text and for what this program would make of it. */
export async function fingerprintOfText(text: string): Promise<string> {
  const hash = createHash("sha256").update(`${FORMAT} ${VERSION}\n`);
  for (const bytes of await Promise.all(judgeFiles().map(bytesOf))) hash.update(bytes ?? "");
  return hash.update(text).digest("hex");
}

/** A name for everything that the validated configuration is made of. Throws where something cannot be read. */
export async function fingerprintOf(paths: AppliancePaths): Promise<string> {
  const folder = await realpath(paths.running).catch(() => paths.running);
  const inForce = (path: string): string => join(folder, relative(paths.running, path));
  const files = [
    ...judgeFiles(),
    paths.applianceFile,
    paths.modesFile,
    inForce(paths.runningServicesFile),
    inForce(paths.runningRevisionFile),
  ];
  const hash = createHash("sha256").update(`${FORMAT} ${VERSION} ${folder}\n`);
  for (const bytes of await Promise.all(files.map(bytesOf))) {
    hash.update(bytes === undefined ? "none\n" : `${bytes.length}\n`).update(bytes ?? "");
  }
  return hash.digest("hex");
}

/** What was kept of exactly these files; undefined where nothing was. Never throws. */
export const readRunningCache = (file: string, fingerprint: string): Promise<Running | undefined> =>
  readKept(file, fingerprint);

/** The same for any value. */
export async function readKept<T>(file: string, fingerprint: string): Promise<T | undefined> {
  try {
    const text = await readFile(file, "utf8");
    const end = text.indexOf("\n");
    const body = text.slice(end + 1);
    if (text.slice(0, end) !== headline(fingerprint, body)) return undefined;
    return JSON.parse(body) as T;
  } catch {
    return undefined;
  }
}

/** Keeps what was validated. Left undone where JSON cannot carry it whole. */
export const writeRunningCache = (
  file: string,
  fingerprint: string,
  running: Running,
): Promise<void> => writeKept(file, fingerprint, running);

/** The same for any value. */
export async function writeKept(file: string, fingerprint: string, value: unknown): Promise<void> {
  const body = JSON.stringify(value);
  if (!isDeepStrictEqual(JSON.parse(body), value)) return;
  await ensureFolder(dirname(file));
  await replaceFile(file, `${headline(fingerprint, body)}\n${body}`, { mode: 0o600 });
}

/** The body is hashed besides: a disk that returns other bytes must not configure anything. */
const headline = (fingerprint: string, body: string): string =>
  `${fingerprint} ${createHash("sha256").update(body).digest("hex")}`;

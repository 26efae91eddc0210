// service-files.ts — services.yaml and its check scripts as one thing: hashed, compared and bundled together.
import {
  type ChangeAnswer,
  contentHash,
  type Problem,
  type RevisionId,
  type RevisionRecord,
  showValue,
} from "@lbpair/common";
import type { BundleFile } from "./bundle.js";
import { isScriptName, type ScriptName } from "./ownership.js";
import { planScripts, planValues } from "./plan.js";

export interface ServiceFiles {
  /** The text of services.yaml. */
  readonly services: string;
  readonly scripts: ReadonlyMap<ScriptName, string>;
}

export const NO_FILES: ServiceFiles = { services: "", scripts: new Map() };

/** The hash of a revision's content. */
export const hashOf = (files: ServiceFiles): string =>
  contentHash(new Map<string, string>([["services.yaml", files.services], ...files.scripts]));

/** Names of the scripts as services.yaml uses them, without the folder. */
export const scriptLabels = (files: ServiceFiles): ReadonlySet<string> =>
  new Set([...files.scripts.keys()].map((name) => name.slice("health-checks/".length)));

/** Field by field; `parse` turns YAML into plain values and is only given texts that were judged. */
export const planFiles = (
  was: ServiceFiles,
  becomes: ServiceFiles,
  parse: (yaml: string) => unknown,
): ChangeAnswer[] => [
  ...planValues(parse(was.services), parse(becomes.services)),
  ...planScripts(was.scripts, becomes.scripts),
];

export const toBundle = (files: ServiceFiles, record: RevisionRecord): BundleFile[] => [
  { name: "revision.json", mode: 0o644, text: `${JSON.stringify(record, undefined, 2)}\n` },
  { name: "services.yaml", mode: 0o644, text: files.services },
  ...[...files.scripts].map(([name, text]): BundleFile => ({ name, mode: 0o755, text })),
];

export type FromBundle =
  | { readonly ok: true; readonly files: ServiceFiles; readonly record: RevisionRecord }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const RECORD_TEXT_MAX = 500;

function readRecord(text: string): RevisionRecord | undefined {
  let raw: Record<string, unknown> | null;
  try {
    raw = JSON.parse(text) as Record<string, unknown> | null;
  } catch {
    return undefined;
  }
  const { serial, hash, author, at, reason } = raw ?? {};
  const texts = [author, at, reason];
  if (typeof serial !== "number" || !Number.isSafeInteger(serial) || serial < 1) return undefined;
  if (typeof hash !== "string" || !/^[0-9a-f]{16}$/.test(hash)) return undefined;
  if (!texts.every((one) => typeof one === "string" && one.length <= RECORD_TEXT_MAX))
    return undefined;
  return { serial, hash, author: String(author), at: String(at), reason: String(reason) };
}

/** A revision out of a bundle; its files must have the hash that it claims. */
export function fromBundle(bundle: readonly BundleFile[]): FromBundle {
  const services = bundle.find((file) => file.name === "services.yaml");
  const revision = bundle.find((file) => file.name === "revision.json");
  const problems: Problem[] = [];
  const miss = (name: string) =>
    problems.push({ code: "file-missing", path: name, want: "a file of the bundle", got: "none" });
  if (services === undefined) miss("services.yaml");
  if (revision === undefined) miss("revision.json");
  if (services === undefined || revision === undefined) return { ok: false, problems };
  const scripts = new Map<ScriptName, string>();
  for (const file of bundle) if (isScriptName(file.name)) scripts.set(file.name, file.text);
  const files = { services: services.text, scripts };
  const record = readRecord(revision.text);
  const hash = hashOf(files);
  if (record === undefined) {
    const want = "serial, hash, author, at and reason";
    return {
      ok: false,
      problems: [
        { code: "wrong-value", path: "revision.json", want, got: showValue(revision.text) },
      ],
    };
  }
  if (record.hash !== hash) {
    const want = `the hash of the files, ${hash}`;
    return {
      ok: false,
      problems: [{ code: "wrong-value", path: "revision.json.hash", want, got: record.hash }],
    };
  }
  return { ok: true, files, record };
}

export const idOf = (record: RevisionRecord | null): RevisionId | null =>
  record === null ? null : { serial: record.serial, hash: record.hash };

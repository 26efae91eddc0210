// bundle.ts — the set of replicated files that travels as a whole, and what is refused in one.
import type { Problem, ProblemCode } from "@lbpair/common";
import { showValue } from "@lbpair/common";
import { isReplicatedName, isScriptName, type ReplicatedName } from "./ownership.js";

export const BUNDLE_FILES_MAX = 512;
export const BUNDLE_FILE_BYTES_MAX = 16 * 1024 * 1024;
export const BUNDLE_BYTES_MAX = 24 * 1024 * 1024;
/** Permissions a file may have: owner writes, everybody reads; scripts may be run. */
export const BUNDLE_FILE_MODES = [0o644, 0o755] as const;
export type BundleFileMode = (typeof BUNDLE_FILE_MODES)[number];

export interface BundleFile {
  readonly name: ReplicatedName;
  readonly mode: BundleFileMode;
  readonly text: string;
}

/** What the header says of each file, in the order of their contents in the body. */
export interface ManifestEntry {
  readonly name: ReplicatedName;
  readonly mode: BundleFileMode;
  readonly bytes: number;
  readonly sha256: string;
}

/** Hex digits of the SHA-256 of some bytes; passed in, because the core computes and imports nothing else. */
export type Sha256 = (bytes: Uint8Array) => string;

export interface Packed {
  readonly manifest: readonly ManifestEntry[];
  readonly body: Uint8Array;
}

export type Unpacked =
  | { readonly ok: true; readonly files: readonly BundleFile[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const problem = (code: ProblemCode, path: string, want: string, got: string): Problem => ({
  code,
  path,
  want,
  got,
});

/** What must hold of any bundle, checked by the sender and again by the receiver. */
export function judgeFiles(files: readonly { name: string; bytes: number }[]): Problem[] {
  const problems: Problem[] = [];
  if (files.length > BUNDLE_FILES_MAX) {
    problems.push(
      problem("file-too-large", "files", `at most ${BUNDLE_FILES_MAX} files`, `${files.length}`),
    );
  }
  const seen = new Set<string>();
  let total = 0;
  for (const [i, file] of files.entries()) {
    const path = `files[${i}]`;
    if (!isReplicatedName(file.name)) {
      problems.push(
        problem(
          "not-permitted",
          `${path}.name`,
          "the name of a replicated file",
          showValue(file.name),
        ),
      );
    } else if (seen.has(file.name)) {
      problems.push(problem("duplicate", `${path}.name`, "each file once", showValue(file.name)));
    }
    seen.add(file.name);
    if (file.bytes > BUNDLE_FILE_BYTES_MAX) {
      problems.push(
        problem("file-too-large", path, `at most ${BUNDLE_FILE_BYTES_MAX} bytes`, `${file.bytes}`),
      );
    }
    total += file.bytes;
  }
  if (total > BUNDLE_BYTES_MAX) {
    problems.push(
      problem("file-too-large", "files", `at most ${BUNDLE_BYTES_MAX} bytes together`, `${total}`),
    );
  }
  return problems;
}

/** Bundles files in name order. The caller has judged them; here only the form is made. */
export function packBundle(files: readonly BundleFile[], sha256: Sha256): Packed {
  const encoder = new TextEncoder();
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const contents = sorted.map((file) => encoder.encode(file.text));
  const manifest = sorted.map((file, i): ManifestEntry => {
    const content = contents[i] ?? new Uint8Array(0);
    return { name: file.name, mode: file.mode, bytes: content.length, sha256: sha256(content) };
  });
  const body = new Uint8Array(contents.reduce((sum, content) => sum + content.length, 0));
  let at = 0;
  for (const content of contents) {
    body.set(content, at);
    at += content.length;
  }
  return { manifest, body };
}

const ENTRY_KEYS = ["name", "mode", "bytes", "sha256"];

function readEntry(raw: unknown, path: string, problems: Problem[]): ManifestEntry | undefined {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    problems.push(problem("wrong-value", path, "an object", showValue(raw)));
    return undefined;
  }
  const entry = raw as Record<string, unknown>;
  const before = problems.length;
  for (const key of Object.keys(entry)) {
    // A link, an owner or a time would have to be a further key: there is none, so none can come.
    if (!ENTRY_KEYS.includes(key)) {
      problems.push(
        problem("unknown-key", `${path}.${key}`, `only ${ENTRY_KEYS.join(", ")}`, showValue(key)),
      );
    }
  }
  const { name, mode, bytes, sha256 } = entry;
  if (typeof name !== "string") {
    problems.push(problem("wrong-value", `${path}.name`, "a text", showValue(name)));
  }
  const script = typeof name === "string" && isScriptName(name);
  if (mode !== 0o644 && !(mode === 0o755 && script)) {
    problems.push(
      problem(
        "not-permitted",
        `${path}.mode`,
        "420 (0644), or 493 (0755) for a script",
        showValue(mode),
      ),
    );
  }
  if (typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes < 0) {
    problems.push(problem("wrong-value", `${path}.bytes`, "a count of bytes", showValue(bytes)));
  }
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    problems.push(problem("wrong-value", `${path}.sha256`, "64 hex digits", showValue(sha256)));
  }
  return problems.length === before ? (raw as ManifestEntry) : undefined;
}

function readText(content: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Parses what a peer sent. Nothing of it is used where anything of it is wrong. */
export function unpackBundle(manifest: unknown, body: Uint8Array, sha256: Sha256): Unpacked {
  const problems: Problem[] = [];
  if (!Array.isArray(manifest) || manifest.length > BUNDLE_FILES_MAX) {
    const want = `a list of at most ${BUNDLE_FILES_MAX} files`;
    const got = Array.isArray(manifest) ? `${manifest.length} files` : showValue(manifest);
    return { ok: false, problems: [problem("wrong-value", "files", want, got)] };
  }
  const entries: ManifestEntry[] = [];
  for (const [i, raw] of manifest.entries()) {
    const entry = readEntry(raw, `files[${i}]`, problems);
    if (entry !== undefined) entries.push(entry);
  }
  problems.push(...judgeFiles(entries));
  const named = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  if (problems.length === 0 && named !== body.length) {
    problems.push(
      problem("wrong-value", "body", `${named} bytes as the files add up to`, `${body.length}`),
    );
  }
  if (problems.length > 0) return { ok: false, problems };
  const files: BundleFile[] = [];
  let at = 0;
  for (const [i, entry] of entries.entries()) {
    const content = body.subarray(at, at + entry.bytes);
    at += entry.bytes;
    const digest = sha256(content);
    const text = readText(content);
    if (digest !== entry.sha256) {
      problems.push(
        problem(
          "wrong-value",
          `files[${i}].sha256`,
          `the hash of ${entry.name}, ${digest.slice(0, 16)}…`,
          entry.sha256.slice(0, 16),
        ),
      );
    } else if (text === undefined) {
      problems.push(
        problem("not-text", `files[${i}]`, `${entry.name} to be text in UTF-8`, "other bytes"),
      );
    } else {
      files.push({ name: entry.name, mode: entry.mode, text });
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, files };
}

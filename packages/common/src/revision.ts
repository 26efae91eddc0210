// revision.ts — the identity of a configuration: a serial, and a hash of its content.
import { createHash } from "node:crypto";
import type { RevisionId } from "./status.js";

export const HASH_DIGITS = 16;

/**
 * Hash of a set of named contents, whatever order they come in: the first 16 hex digits of a
 * SHA-256 over each name, length and content.
 */
export function contentHash(files: ReadonlyMap<string, string>): string {
  const hash = createHash("sha256");
  for (const name of [...files.keys()].sort()) {
    const content = files.get(name) ?? "";
    hash.update(`${name}\0${Buffer.byteLength(content)}\0${content}\0`);
  }
  return hash.digest("hex").slice(0, HASH_DIGITS);
}

export const sameRevision = (a: RevisionId | null, b: RevisionId | null): boolean =>
  a !== null && b !== null && a.serial === b.serial && a.hash === b.hash;

/** `12-4f0a…`: the name of a revision's folder. */
export const revisionName = (id: RevisionId): string => `${id.serial}-${id.hash}`;

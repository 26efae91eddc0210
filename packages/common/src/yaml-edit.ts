// yaml-edit.ts — a program's change to a file that an admin wrote: comments and order stay.
import { parseDocument } from "yaml";

/** Replaces or, with undefined, removes the value at a path; everything else stays as it was written. */
export function editYaml(text: string, path: readonly (string | number)[], value: unknown): string {
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    throw new Error(`cannot edit: want YAML, got ${document.errors[0]?.message ?? "an error"}`);
  }
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, document.createNode(value));
  return document.toString({ lineWidth: 0 });
}
